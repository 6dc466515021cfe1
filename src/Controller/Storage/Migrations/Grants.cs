using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Bulkhead.Controller.Storage.Migrations;

/// <summary>
/// Grants take the place of the one role of an account or key. Nobody may do more than before: an editor could neither pair agents nor see keys, and
/// so does without admission too.
/// </summary>
[DbContext(typeof(ControllerDb))]
[Migration("20261122200000_Grants")]
public sealed class Grants : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        foreach (var table in (string[])["accounts", "api_keys"])
        {
            migrationBuilder.RenameColumn("Role", table, "Grants");
            migrationBuilder.Sql($"""
                UPDATE "{table}" SET "Grants" = CASE "Grants"
                  WHEN 'Admin' THEN '{Of("owner")}'
                  WHEN 'Editor' THEN '{Of("policyEditor", "provisioner", "responder")}'
                  WHEN 'Viewer' THEN '{Of("viewer")}'
                  ELSE '[]' END
                """);
        }
    }

    private static string Of(params string[] roles) => $"[{string.Join(',', roles.Select(role => $$"""{"role":"{{role}}","scope":null}"""))}]";
}
