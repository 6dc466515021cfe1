using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Bulkhead.Controller.Storage.Migrations;

/// <summary>Several controllers on one store: who they are, and which agent is connected to which.</summary>
[DbContext(typeof(ControllerDb))]
[Migration("20261122170000_Replicas")]
public sealed class Replicas : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable("controllers", table => new
        {
            Id = table.Column<string>(nullable: false),
            Name = table.Column<string>(nullable: false),
            Endpoints = table.Column<string>(nullable: false),
            Authority = table.Column<string>(nullable: false),
            LastSeen = table.Column<long>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_controllers", row => row.Id));

        // Made anew: what agents report is lost without harm, and so no column needs a default that the model does not have.
        migrationBuilder.DropTable("observations");
        migrationBuilder.CreateTable("observations", table => new
        {
            WorkloadId = table.Column<string>(nullable: false),
            LastSeen = table.Column<long>(nullable: false),
            Report = table.Column<byte[]>(nullable: false),
            Controller = table.Column<string>(nullable: false),
            Remote = table.Column<string>(nullable: false),
            Stamp = table.Column<long>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_observations", row => row.WorkloadId));
        migrationBuilder.CreateIndex("IX_observations_Stamp", "observations", "Stamp");
    }
}
