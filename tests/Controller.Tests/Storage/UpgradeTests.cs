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

        // Everything is there as it was, but for what a start adds.
        var after = Rows(await controller.ExportAsync());
        Assert.Empty(Rows(string.Join('\n', before)).Where(row => !IsCounter(row) && !HoldsRole(row)).Except(after));
        using var client = await controller.ClientAsync();
        Assert.Equal(["db", "web"], (await client.GetAsync<Page<WorkloadView>>("workloads")).Items.Select(w => w.Name).Order(StringComparer.Ordinal));
        Assert.Equal(1, Assert.Single(await client.GetAsync<List<RevisionView>>("policy/revisions")).Number);
        Assert.Equal([new(AccessRole.Owner, null)], Assert.Single(await client.GetAsync<List<AccountView>>("accounts")).Grants);
        var keys = (await client.GetAsync<List<ApiKeyView>>("api-keys")).ToDictionary(key => key.Name, key => string.Join(' ', key.Grants.Select(grant => $"{grant.Role}{grant.Scope}")));
        Assert.Equal("Owner", keys["fixture"]);
        Assert.Equal("PolicyEditor Provisioner Responder", keys.GetValueOrDefault("editing", "PolicyEditor Provisioner Responder"));
        Assert.Equal("Viewer", keys.GetValueOrDefault("viewing", "Viewer"));
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

    /// <summary>Rows with their table, in a form that does not depend on the engine.</summary>
    private static HashSet<string> Rows(string export)
    {
        var table = "";
        var rows = new HashSet<string>();
        foreach (var line in export.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line[0] == '[')
            {
                rows.Add($"{table} {line.Replace("true", "1", StringComparison.Ordinal).Replace("false", "0", StringComparison.Ordinal)}");
            }
            else if (System.Text.Json.JsonDocument.Parse(line).RootElement.TryGetProperty("Table", out var name))
            {
                table = name.GetString()!;
            }
        }

        return rows;
    }

    /// <summary>The one role that accounts and keys had became grants, which REST tells.</summary>
    private static bool HoldsRole(string row) => row.StartsWith("accounts ", StringComparison.Ordinal) || row.StartsWith("api_keys ", StringComparison.Ordinal);

    private static bool IsCounter(string row) => row.StartsWith("counters ", StringComparison.Ordinal);
}
