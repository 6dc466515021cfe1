using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Bulkhead.Controller.Storage.Migrations;

/// <summary>The policy that a request for approval is about, and what made a revision revert that could not.</summary>
[DbContext(typeof(ControllerDb))]
[Migration("20261123010000_RequestedPolicies")]
public sealed class RequestedPolicies : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.AddColumn<string>("Policy", "approvals", nullable: true);
        migrationBuilder.AddColumn<string>("Cause", "trials", nullable: true);
    }
}
