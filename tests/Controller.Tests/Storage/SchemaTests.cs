using Bulkhead.Controller.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Tests.Storage;

public sealed class SchemaTests
{
    [Fact]
    public async Task The_migrations_make_exactly_what_the_model_says() =>
        Assert.Equal(await SchemaAsync(database => database.EnsureCreatedAsync()), await SchemaAsync(async database => await database.MigrateAsync()));

    private static async Task<IReadOnlyList<string>> SchemaAsync(Func<Microsoft.EntityFrameworkCore.Infrastructure.DatabaseFacade, Task> create)
    {
        await using var connection = new SqliteConnection("Data Source=:memory:");
        await connection.OpenAsync();
        await using var database = new ControllerDb(new DbContextOptionsBuilder<ControllerDb>().UseSqlite(connection)
            .ConfigureWarnings(warnings => warnings.Ignore(Microsoft.EntityFrameworkCore.Diagnostics.RelationalEventId.PendingModelChangesWarning)).Options);
        await create(database.Database);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '%EFMigrations%' ORDER BY name";
        await using var reader = await command.ExecuteReaderAsync();
        var statements = new List<string>();
        while (await reader.ReadAsync())
        {
            // The order of columns says nothing.
            statements.Add(string.Join('\n', reader.GetString(0).Split('\n').Select(line => line.Trim().TrimEnd(',')).Order(StringComparer.Ordinal)));
        }

        return statements;
    }
}
