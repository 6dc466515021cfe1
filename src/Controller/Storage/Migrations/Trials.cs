using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Bulkhead.Controller.Storage.Migrations;

/// <summary>Revisions that are provisioned for a time.</summary>
[DbContext(typeof(ControllerDb))]
[Migration("20261122233000_Trials")]
public sealed class Trials : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.CreateTable("trials", table => new
    {
        Revision = table.Column<long>(nullable: false),
        Until = table.Column<long>(nullable: false),
        OnBlock = table.Column<bool>(nullable: false),
        State = table.Column<string>(nullable: false),
        Problem = table.Column<string>(nullable: true),
        Ended = table.Column<string>(nullable: true),
        EndedAt = table.Column<long>(nullable: true),
    }, constraints: table => table.PrimaryKey("PK_trials", row => row.Revision));
}
