using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Bulkhead.Controller.Storage.Migrations;

/// <summary>API keys act for the account that made them. Keys that keys made, and those of the controller's machine, act for none.</summary>
[DbContext(typeof(ControllerDb))]
[Migration("20261122210000_KeysOfAccounts")]
public sealed class KeysOfAccounts : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.AddColumn<string>("AccountId", "api_keys", nullable: true);
        migrationBuilder.Sql("""UPDATE "api_keys" SET "AccountId" = (SELECT "Id" FROM "accounts" WHERE "accounts"."Name" = "api_keys"."CreatedBy")""");
    }
}
