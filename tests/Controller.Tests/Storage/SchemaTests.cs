using Bulkhead.Controller.Storage;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Tests.Storage;

public sealed class SchemaTests
{
    // What a table holds, not how it was written: a column that a migration adds stands elsewhere in its text.
    private const string Sqlite = """
        SELECT concat_ws(' ', t.name, c.name, c.type, c."notnull", c.dflt_value, c.pk) FROM sqlite_master t, pragma_table_info(t.name) c
          WHERE t.type = 'table' AND t.name NOT LIKE '%EFMigrations%'
        UNION ALL SELECT concat_ws(' ', t.name, f."from", f."table", f."to", f.on_update, f.on_delete) FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'
        UNION ALL SELECT sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL AND tbl_name NOT LIKE '%EFMigrations%'
        ORDER BY 1
        """;

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
        return await database.Database.SqlQueryRaw<string>(TestStore.IsShared ? Postgres : Sqlite).ToListAsync();
    }
}
