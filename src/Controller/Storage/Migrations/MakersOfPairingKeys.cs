using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Bulkhead.Controller.Storage.Migrations;

/// <summary>Pairing keys keep what who made them may. Those that are there were made without scopes.</summary>
[DbContext(typeof(ControllerDb))]
[Migration("20261122213000_MakersOfPairingKeys")]
public sealed class MakersOfPairingKeys : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.AddColumn<string>("MakerGrants", "pairing_keys", nullable: true);
}
