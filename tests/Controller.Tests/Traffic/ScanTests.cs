using Bulkhead.Contracts.Agent;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Controller.Tests.Agents;
using Bulkhead.Policy.Addresses;
using Google.Protobuf;

namespace Bulkhead.Controller.Tests.Traffic;

/// <summary>Scans and names, from the agent channel to files and REST.</summary>
public sealed class ScanTests
{
    [Fact]
    public async Task A_scan_counts_once_outlives_a_kill_and_its_windows_are_one()
    {
        await using var fixture = new StoreFixture();
        var first = fixture.Batch(1) with { Scans = [Scan(fixture, "10.0.0.9", 500)] };
        await fixture.SubmitAsync(first);
        await fixture.SubmitAsync(first);
        fixture.Time.Advance(TimeSpan.FromSeconds(10));
        await fixture.SubmitAsync(fixture.Batch(2) with { Scans = [Scan(fixture, "10.0.0.9", 400), Scan(fixture, "10.0.0.8", 100)] });

        foreach (var store in new[] { fixture, fixture.Killed() })
        {
            var scans = store.Store.Scans(fixture.Time.GetUtcNow() - TimeSpan.FromHours(1), fixture.Time.GetUtcNow() + TimeSpan.FromSeconds(1));
            Assert.Equal([("10.0.0.8", 100L), ("10.0.0.9", 900L)], scans.Select(scan => (scan.Source.Address.ToString(), scan.Targets)).Order());
        }

        fixture.Time.Advance(TimeSpan.FromHours(1));
        await fixture.SubmitAsync(fixture.Batch(3) with { Scans = [Scan(fixture, "10.0.0.9", 100)] });
        Assert.Equal(100, Assert.Single(fixture.Store.Scans(fixture.Time.GetUtcNow() - TimeSpan.FromMinutes(1), fixture.Time.GetUtcNow() + TimeSpan.FromSeconds(1))).Targets);
    }

    [Fact]
    public async Task However_many_scans_there_are_only_so_many_are_kept()
    {
        await using var fixture = new StoreFixture();
        await fixture.SubmitAsync(fixture.Batch(1) with { Scans = [.. Enumerable.Range(0, 3000).Select(i => Scan(fixture, $"10.1.{i / 250}.{(i % 250) + 1}", 100))] });
        Assert.Equal(1000, fixture.Store.Scans(DateTimeOffset.UnixEpoch, fixture.Time.GetUtcNow() + TimeSpan.FromSeconds(1)).Count);
    }

    [Fact]
    public async Task The_newest_names_of_an_address_outlive_a_kill()
    {
        await using var fixture = new StoreFixture();
        var address = IpAddress.Parse("192.0.2.1");
        for (ulong i = 1; i <= 6; i++)
        {
            await fixture.SubmitAsync(fixture.Batch(i, fixture.Seen("10.0.0.1", "192.0.2.1", 443)) with
            {
                Names = [new(address, $"name{i}.example"), new(IpAddress.Parse("192.0.2.99"), "never-seen.example")],
            });
            fixture.Time.Advance(TimeSpan.FromSeconds(10));
        }

        foreach (var store in new[] { fixture, fixture.Killed() })
        {
            Assert.Equal(["name6.example", "name5.example", "name4.example", "name3.example"], store.Store.NamesOf(ScopedAddress.Of(address)).Select(name => name.Name));
            Assert.Empty(store.Store.NamesOf(ScopedAddress.Of(IpAddress.Parse("192.0.2.99"))));
        }
    }

    [Fact]
    public async Task Who_owns_a_process_outlives_a_kill()
    {
        await using var fixture = new StoreFixture();
        await fixture.SubmitAsync(1, fixture.Seen("10.0.0.1", "10.0.0.2", 443, process: TrafficWorld.Nginx with { Owner = "www-data", Container = "0123456789ab" }));
        var seen = fixture.Killed().OnlyEdge().Edge.At(FlowSide.Source).Processes.Members[0].Seen!;
        Assert.Equal(("www-data", "0123456789ab"), (seen.Owner, seen.Container));
    }

    [Fact]
    public async Task Packets_are_summed_in_memory_and_on_disk_and_a_file_from_before_they_were_is_read_on()
    {
        await using var fixture = new StoreFixture();
        await fixture.SubmitAsync(1, fixture.Seen("10.0.0.1", "10.0.0.2", 443) with { PacketsOut = 5, PacketsIn = 4 });
        await fixture.ReopenAsync();
        await fixture.SubmitAsync(fixture.Batch(2, fixture.Seen("10.0.0.1", "10.0.0.2", 443) with { PacketsOut = 1 }) with { Gaps = new(7, 8, 9) });
        Assert.Equal(10, fixture.OnlyEdge().Packets);

        await using var older = fixture.Killed();
        await using (var file = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Directory.GetFiles(older.Folder, "20*.db").Single()};Pooling=False"))
        {
            await file.OpenAsync();
            await using var drop = file.CreateCommand();
            drop.CommandText = "ALTER TABLE rollups DROP COLUMN packets; ALTER TABLE losses DROP COLUMN incomplete; ALTER TABLE losses DROP COLUMN unnamed; DROP TABLE scans";
            await drop.ExecuteNonQueryAsync();
        }

        Assert.Equal((2L, 1L), (older.OnlyEdge().Connections, older.OnlyEdge().Packets));
        Assert.Equal(new Gaps(7, 0, 0), older.LastHour().Gaps[Traffic.Agents.A]);
    }

    [Fact]
    public async Task Scans_names_and_what_agents_do_without_are_shown()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1", ("role", "web"));
        var (own, outside) = (Bytes("10.0.0.1"), Bytes("192.0.2.1"));
        await web.SendAsync(new FlowBatch
        {
            SpoolEpoch = 7,
            Sequence = 1,
            WindowMs = 10_000,
            WindowUnixMs = 10_000,
            SentUnixMs = 20_000,
            Flows = { new FlowSummary { Direction = Direction.Outbound, LocalAddress = own, RemoteAddress = outside, Protocol = 6, Port = 443, Outcome = Outcome.Passed, Connections = 1 } },
            Names = { new AddressName { Address = outside, Name = "www.example.org" } },
            Scans = { new ScanSummary { Direction = Direction.Inbound, Source = Bytes("203.0.113.7"), Targets = 900, Addresses = 1, Connections = 900, Blocked = 800, FirstPort = 1, LastPort = 900 } },
        });
        var report = web.Report("10.0.0.1");
        report.Telemetry = new TelemetryState { WindowMs = 5000, WantedWindowMs = 1000, Degraded = "windows of 5 s", LostEvents = 3 };
        report.Sessions.Add(new UserSession { User = "alice", Kind = "ssh", Line = "pts/0", Remote = Bytes("10.9.0.1"), Port = 2222 });
        await web.SendAsync(report);

        var scan = Assert.Single(await admin.GetAsync<List<ScanView>>("scans?since=1h"));
        Assert.Equal(("203.0.113.7", "web", "inbound", 900L, 800L), (scan.Source, scan.SeenBy, scan.Direction, scan.Targets, scan.Blocked));
        var name = Assert.Single(Assert.Single((await admin.GetAsync<Page<FlowEdge>>("flows")).Items).Destination.Names);
        Assert.Equal(("www.example.org", "web"), (name.Name, name.SeenBy));
        Assert.Equal("www.example.org", Assert.Single((await admin.GetAsync<Explanation>("explain?from=web&to=192.0.2.1&port=tcp/443")).ToNames).Name);
        var map = await admin.GetAsync<MapView>("map?group=role");
        Assert.Equal((1, 1), (map.Degraded, map.Scans.Count));
        var detail = await admin.GetAsync<WorkloadDetail>("workloads/web");
        Assert.Equal((5.0, "windows of 5 s", 3L), (detail.Telemetry!.WindowSeconds, detail.Telemetry.Degraded, detail.Telemetry.LostEvents));
        var session = Assert.Single(detail.Sessions);
        Assert.Equal(("alice", "ssh", "10.9.0.1", 2222), (session.User, session.Kind, session.From, session.Port));
        await admin.RefusedAsync(HttpMethod.Get, "scans?since=yesterdayish", null, 422, "invalid");
    }

    private static ScanSighting Scan(StoreFixture fixture, string source, long targets) => new()
    {
        Agent = Traffic.Agents.A,
        Side = FlowSide.Destination,
        Source = ScopedAddress.Of(IpAddress.Parse(source)),
        First = fixture.Now,
        Last = fixture.Now,
        Targets = targets,
        Addresses = 1,
        Connections = targets,
        Blocked = 0,
        FirstPort = 1,
        LastPort = 1000,
        Samples = ["10.0.0.1 tcp/1"],
    };

    private static ByteString Bytes(string address) => ByteString.CopyFrom(IpAddress.Parse(address).ToBytes());
}
