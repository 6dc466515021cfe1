using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Bulkhead.Controller.Storage.Migrations;

/// <summary>Settings, requests for approval, and who approved a revision.</summary>
[DbContext(typeof(ControllerDb))]
[Migration("20261122230000_Approvals")]
public sealed class Approvals : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable("settings", table => new
        {
            Name = table.Column<string>(nullable: false),
            Value = table.Column<string>(nullable: false),
        }, constraints: table => table.PrimaryKey("PK_settings", row => row.Name));
        migrationBuilder.CreateTable("approvals", table => new
        {
            Number = table.Column<long>(nullable: false),
            Base = table.Column<long>(nullable: false),
            Hash = table.Column<string>(nullable: false),
            Changes = table.Column<string>(nullable: false),
            Only = table.Column<string>(nullable: false),
            Restores = table.Column<long>(nullable: true),
            Note = table.Column<string>(nullable: false),
            RequestedBy = table.Column<string>(nullable: false),
            RequesterId = table.Column<string>(nullable: true),
            Requested = table.Column<long>(nullable: false),
            ApprovedBy = table.Column<string>(nullable: true),
            ApproverId = table.Column<string>(nullable: true),
            Approved = table.Column<long>(nullable: true),
            Revision = table.Column<long>(nullable: true),
        }, constraints: table => table.PrimaryKey("PK_approvals", row => row.Number));
        migrationBuilder.AddColumn<string>("ApprovedBy", "revisions", nullable: true);
    }
}
