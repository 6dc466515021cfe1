using System.Text.Json;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage.Backups;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace Bulkhead.Controller.Tests.Storage;

/// <summary>Stores of every earlier schema, as controllers of that time left them, are brought up to date with nothing lost.</summary>
public sealed class UpgradeTests
{
    private static readonly string s_versions = Path.Combine(AppContext.BaseDirectory, "Storage", "Versions");

    public static TheoryData<string> Versions => [.. Directory.GetFiles(s_versions).Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task Of_every_schema_but_the_newest_there_is_a_store_here()
    {
        await using var opened = new TestDatabase();
        await using var database = opened.Connect();
        Assert.Equal(database.Database.GetMigrations().SkipLast(1), Directory.GetFiles(s_versions).Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task An_earlier_store_is_brought_up_to_date_with_nothing_lost(string version)
    {
        var before = await File.ReadAllLinesAsync(Path.Combine(s_versions, $"{version}.jsonl"));
        await using var controller = await TestController.StartAsync(fill: async store =>
        {
            await using var database = TestDatabase.Connect(store);
            await using var stream = File.OpenRead(Path.Combine(s_versions, $"{version}.jsonl"));
            await StateImport.ReadAsync(database, store, stream, CancellationToken.None);
        });

        // Everything is there as it was, but for what a start adds, and for the one role that accounts and keys had, which became grants.
        var hadRoles = string.CompareOrdinal(version, "20261122200000") < 0;
        var after = Tables(await controller.ExportAsync());
        foreach (var (name, table) in Tables(string.Join('\n', before)).Where(pair => pair.Key != "counters"))
        {
            var kept = table.Columns.Intersect(after[name].Columns).ToList();
            Assert.Equal(hadRoles && (name is "accounts" or "api_keys") ? ["Role"] : [], table.Columns.Except(kept));
            Assert.Empty(table.Project(kept).Except(after[name].Project(kept)));
        }

        using var client = await controller.ClientAsync();
        Assert.Equal(["db", "web"], (await client.GetAsync<Page<WorkloadView>>("workloads")).Items.Select(w => w.Name).Order(StringComparer.Ordinal));
        Assert.Equal(1, Assert.Single(await client.GetAsync<List<RevisionView>>("policy/revisions")).Number);
        Assert.Equal([new(AccessRole.Owner, null)], Assert.Single(await client.GetAsync<List<AccountView>>("accounts")).Grants);
        var keys = (await client.GetAsync<List<ApiKeyView>>("api-keys")).ToDictionary(key => key.Name, key => string.Join(' ', key.Grants.Select(grant => $"{grant.Role}{grant.Scope}")));
        var expected = new Dictionary<string, string> { ["fixture"] = "Owner" };
        if (string.CompareOrdinal(version, "20261122170000") >= 0)
        {
            (expected["editing"], expected["viewing"]) = ("PolicyEditor Provisioner Responder", "Viewer");
        }

        if (!hadRoles)
        {
            expected["chained"] = "Viewer";
        }

        Assert.Equal(expected.OrderBy(key => key.Key, StringComparer.Ordinal), keys.Where(key => !key.Key.StartsWith("test-", StringComparison.Ordinal)).OrderBy(key => key.Key, StringComparer.Ordinal));

        // Made by an account, on the machine, and by a key.
        await using var read = await controller.Ledger.ReadAsync(CancellationToken.None);
        var admin = (await read.Accounts.SingleAsync()).Id;
        Assert.All(await read.ApiKeys.ToListAsync(), key => Assert.Equal(key.CreatedBy == "admin" ? admin : null, key.AccountId));
        await client.PostAsync<WorkloadView>("workloads", new CreateWorkload("new", new Dictionary<string, string>(), ["10.0.0.9"]));
        Assert.Equal(0, Hosting.ControllerProcess.Command(controller.Folder, "verify-audit"));
    }

    [Fact]
    public async Task A_store_of_a_newer_version_is_refused()
    {
        await using var opened = new TestDatabase();
        await using var database = opened.Connect();
        await opened.Store.MigrateAsync(database, CancellationToken.None);
        await database.Database.ExecuteSqlRawAsync("INSERT INTO \"__EFMigrationsHistory\" (\"MigrationId\", \"ProductVersion\") VALUES ('29991231000000_Later', '99')");
        var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => opened.Store.MigrateAsync(database, CancellationToken.None));
        Assert.Contains("newer version", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>A controller that was killed while it migrated leaves EF's lock behind, and each migration whole or not at all.</summary>
    [Fact]
    public async Task A_migration_that_was_killed_is_taken_up_again()
    {
        await using var opened = new TestDatabase();
        await using var database = opened.Connect();
        await database.GetService<IMigrator>().MigrateAsync(database.Database.GetMigrations().First());
        if (!opened.Store.IsShared)
        {
            await database.Database.ExecuteSqlRawAsync("CREATE TABLE IF NOT EXISTS __EFMigrationsLock (Id INTEGER PRIMARY KEY, Timestamp TEXT); INSERT INTO __EFMigrationsLock VALUES (1, 'then')");
        }

        await opened.Store.MigrateAsync(database, CancellationToken.None).WaitAsync(Eventually.Deadline);
        Assert.Empty(await database.Database.GetPendingMigrationsAsync());
    }

    /// <summary>Tables by name, their values as text in a form that does not depend on the engine.</summary>
    private static Dictionary<string, Table> Tables(string export)
    {
        var tables = new Dictionary<string, Table>();
        var rows = new List<string[]>();
        foreach (var line in export.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind == JsonValueKind.Array)
            {
                rows.Add([.. json.RootElement.EnumerateArray().Select(value => value.ValueKind switch { JsonValueKind.True => "1", JsonValueKind.False => "0", _ => value.ToString() })]);
            }
            else if (json.RootElement.TryGetProperty("Table", out var name))
            {
                tables[name.GetString()!] = new([.. json.RootElement.GetProperty("Columns").EnumerateArray().Select(column => column.GetString()!)], rows = []);
            }
        }

        return tables;
    }

    private sealed record Table(IReadOnlyList<string> Columns, List<string[]> Rows)
    {
        /// <summary>The rows, of these columns alone.</summary>
        public IEnumerable<string> Project(IReadOnlyList<string> columns) =>
            Rows.Select(row => string.Join(' ', columns.Select(column => $"{column}={row[Columns.ToList().IndexOf(column)]}")));
    }
}
