using Bulkhead.Controller.Storage;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Tests.Storage;

public sealed class SchemaTests
{
    private const string Sqlite = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '%EFMigrations%' ORDER BY name";

    private const string Postgres = """
        SELECT concat_ws(' ', table_name, column_name, data_type, character_maximum_length, is_nullable, column_default, collation_name)
          FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '%EFMigrations%'
        UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '%EFMigrations%'
        UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
          WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE '%EFMigrations%'
        ORDER BY 1
        """;

    [Fact]
    public async Task The_migrations_make_exactly_what_the_model_says()
    {
        var model = await SchemaAsync((_, database) => database.Database.EnsureCreatedAsync());
        Assert.NotEmpty(model);
        Assert.Equal(model, await SchemaAsync(async (store, database) => await store.MigrateAsync(database, CancellationToken.None)));
    }

    private static async Task<IReadOnlyList<string>> SchemaAsync(Func<StoreDatabase, ControllerDb, Task> create)
    {
        await using var opened = new TestDatabase();
        await using var database = opened.Connect();
        await create(opened.Store, database);
        var statements = await database.Database.SqlQueryRaw<string>(TestStore.IsShared ? Postgres : Sqlite).ToListAsync();
        // The order of columns says nothing.
        return [.. statements.Select(sql => string.Join('\n', sql.Split('\n').Select(line => line.Trim().TrimEnd(',')).Order(StringComparer.Ordinal)))];
    }
}
