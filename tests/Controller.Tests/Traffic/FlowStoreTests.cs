using System.Runtime.Versioning;
using Bulkhead.Controller.Storage.Flows;

namespace Bulkhead.Controller.Tests.Traffic;

public sealed class FlowStoreTests
{
    private static readonly SeenProcess s_nginx = new("/usr/sbin/nginx", "nginx", "nginx.service", "www-data");
    private static readonly SeenProcess s_mariadb = new("/usr/sbin/mariadbd", "mariadbd", "mariadb.service", "mysql");

    [Fact]
    public async Task A_batch_that_is_sent_again_counts_once()
    {
        await using var fixture = new StoreFixture();
        var batch = fixture.Batch(1, fixture.Seen("10.0.0.1", "10.0.0.2", 3306));

        await Task.WhenAll(fixture.SubmitAsync(batch), fixture.SubmitAsync(batch));
        await fixture.SubmitAsync(batch);

        Assert.Equal(1, fixture.OnlyEdge().Connections);
    }

    [Fact]
    public async Task A_batch_that_is_sent_again_after_a_kill_counts_once()
    {
        await using var fixture = new StoreFixture();
        var batch = fixture.Batch(1, fixture.Seen("10.0.0.1", "10.0.0.2", 3306, process: s_nginx));
        await fixture.SubmitAsync(batch);

        await using var after = fixture.Killed();
        await after.SubmitAsync(batch);
        await after.SubmitAsync(after.Batch(2, after.Seen("10.0.0.1", "10.0.0.2", 3306)));

        var edge = after.OnlyEdge();
        Assert.Equal((2, 200), (edge.Connections, edge.Bytes));
        Assert.Equal([s_nginx, null], edge.Edge.At(FlowSide.Source).Processes.Members.Select(member => member.Seen));
    }

    [Fact]
    public async Task Numbers_of_another_spool_or_agent_are_others()
    {
        await using var fixture = new StoreFixture();
        var batch = fixture.Batch(5, fixture.Seen("10.0.0.1", "10.0.0.2", 3306));

        await fixture.SubmitAsync(batch);
        await fixture.SubmitAsync(batch with { SpoolEpoch = ulong.MaxValue });
        await fixture.SubmitAsync(batch with { Agent = Agents.B });
        await fixture.SubmitAsync(batch with { Sequence = 4 });

        Assert.Equal(3, fixture.OnlyEdge().Connections);
    }

    [Fact]
    public async Task Reports_of_both_ends_are_one_edge_with_both_processes()
    {
        await using var fixture = new StoreFixture();
        await fixture.SubmitAsync(1, fixture.Seen("10.0.0.1", "10.0.0.2", 3306, FlowSide.Source, s_nginx, connections: 3, bytes: 500));
        await fixture.SubmitAsync(fixture.Batch(1, fixture.Seen("10.0.0.1", "10.0.0.2", 3306, FlowSide.Destination, s_mariadb, connections: 4, bytes: 510)) with { Agent = Agents.B });

        var edge = fixture.OnlyEdge();
        Assert.Equal((3, 500), (edge.Connections, edge.Bytes));
        Assert.Equal(s_nginx, Assert.Single(edge.Edge.At(FlowSide.Source).Processes.Members).Seen);
        Assert.Equal(s_mariadb, Assert.Single(edge.Edge.At(FlowSide.Destination).Processes.Members).Seen);
    }

    [Fact]
    public async Task Attempts_blocked_at_the_provider_count_against_the_consumers_attempts()
    {
        await using var fixture = new StoreFixture();
        await fixture.SubmitAsync(
            1,
            fixture.Seen("10.0.0.1", "10.0.0.2", 3306, FlowSide.Source, connections: 2),
            fixture.Seen("10.0.0.1", "10.0.0.2", 3306, FlowSide.Destination, connections: 6, blocked: true, by: 12));

        var edge = fixture.OnlyEdge();
        Assert.Equal((2, 2), (edge.Connections, edge.Blocked));
        Assert.True(edge.Edge.At(FlowSide.Destination).IsBlocked);
        Assert.Equal(12, edge.Edge.At(FlowSide.Destination).BlockedBy);
        Assert.Empty(edge.Edge.At(FlowSide.Destination).Processes.Members);
    }

    [Fact]
    public async Task The_newest_attempt_decides_whether_an_edge_is_blocked()
    {
        await using var fixture = new StoreFixture();
        await fixture.SubmitAsync(1, fixture.Seen("10.0.0.1", "10.0.0.2", 22, FlowSide.Destination, blocked: true));
        Assert.True(fixture.OnlyEdge().Edge.At(FlowSide.Destination).IsBlocked);

        fixture.Time.Advance(TimeSpan.FromSeconds(10));
        await fixture.SubmitAsync(2, fixture.Seen("10.0.0.1", "10.0.0.2", 22, FlowSide.Destination));
        Assert.False(fixture.OnlyEdge().Edge.At(FlowSide.Destination).IsBlocked);

        fixture.Time.Advance(TimeSpan.FromSeconds(10));
        await fixture.SubmitAsync(3, fixture.Seen("10.0.0.1", "10.0.0.2", 22, FlowSide.Destination, blocked: true, by: BlockedBy.Invalid));
        Assert.False(fixture.OnlyEdge().Edge.At(FlowSide.Destination).IsBlocked);
        Assert.Equal(2, fixture.OnlyEdge().Connections);
    }

    [Fact]
    public async Task A_window_shows_what_happened_in_it()
    {
        await using var fixture = new StoreFixture();
        for (var minute = 0; minute < 180; minute++)
        {
            await fixture.SubmitAsync((ulong)minute + 1, fixture.Seen("10.0.0.1", "10.0.0.2", 443));
            fixture.Time.Advance(TimeSpan.FromMinutes(1));
        }

        var now = fixture.Time.GetUtcNow();
        Assert.Equal(5, Assert.Single(fixture.Store.Sample(now.AddMinutes(-5), now).Edges).Connections);
        Assert.Equal(90, Assert.Single(fixture.Store.Sample(now.AddMinutes(-90), now).Edges).Connections);
        Assert.Equal(180, Assert.Single(fixture.Store.Sample(now.AddDays(-1), now).Edges).Connections);
        Assert.Empty(fixture.Store.Sample(now.AddDays(-2), StoreFixture.Start.AddHours(-1)).Edges);

        var coarse = fixture.Store.Sample(StoreFixture.Start.AddMinutes(10), StoreFixture.Start.AddMinutes(20));
        Assert.Equal((StoreFixture.Start, StoreFixture.Start.AddHours(1)), (coarse.From, coarse.To));
        Assert.InRange(Assert.Single(coarse.Edges).Connections, 10, 60);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_restart_knows_what_was_known(bool killed)
    {
        await using var fixture = new StoreFixture { Options = new("") { CheckpointAfter = 50 } };
        for (var i = 0; i < 120; i++)
        {
            await fixture.SubmitAsync((ulong)i + 1, fixture.Seen("10.0.0.1", $"10.0.1.{i % 30}", 443, process: s_nginx));
            fixture.Time.Advance(TimeSpan.FromSeconds(10));
        }

        await fixture.SubmitAsync(121, fixture.Seen("10.0.0.1", "10.0.1.0", 443, blocked: true, by: 9));
        var before = Describe(fixture.LastHour());

        await using var copy = killed ? fixture.Killed() : null;
        if (copy is null)
        {
            await fixture.ReopenAsync();
        }

        Assert.Equal(before, Describe((copy ?? fixture).LastHour()));
    }

    [Fact]
    public async Task Hours_from_before_the_memory_are_answered_from_the_files()
    {
        await using var fixture = new StoreFixture();
        await fixture.SubmitAsync(1, fixture.Seen("10.0.0.1", "10.0.0.2", 443, connections: 5));
        for (var day = 1; day <= 4; day++)
        {
            fixture.Time.Advance(TimeSpan.FromDays(1));
            await fixture.SubmitAsync((ulong)day + 1, fixture.Seen("10.0.0.3", "10.0.0.2", 443));
        }

        var sample = fixture.Store.Sample(StoreFixture.Start, StoreFixture.Start.AddMinutes(30));
        Assert.Equal(5, Assert.Single(sample.Edges).Connections);
        Assert.Equal(9, fixture.Store.Sample(StoreFixture.Start, fixture.Time.GetUtcNow().AddSeconds(1)).Edges.Sum(edge => edge.Connections));
    }

    [Fact]
    public async Task A_day_past_retention_is_dropped_whole_and_still_counts_once()
    {
        await using var fixture = new StoreFixture { Options = new("") { Retention = TimeSpan.FromDays(2) } };
        var first = fixture.Batch(1, fixture.Seen("10.0.0.1", "10.0.0.2", 443));
        await fixture.SubmitAsync(first);
        for (var day = 1; day <= 3; day++)
        {
            fixture.Time.Advance(TimeSpan.FromDays(1));
            await fixture.SubmitAsync((ulong)day + 1, fixture.Seen("10.0.0.1", "10.0.0.2", 443));
        }

        Assert.Equal(["2026-11-23.db", "2026-11-24.db", "2026-11-25.db", "catalog.db"], Directory.EnumerateFiles(fixture.Folder, "*.db").Select(Path.GetFileName).Order());
        await fixture.ReopenAsync();
        await fixture.SubmitAsync(first);
        Assert.Equal(1, fixture.OnlyEdge().Connections);
        Assert.Equal(StoreFixture.Start.ToUnixTimeMilliseconds(), fixture.OnlyEdge().Edge.FirstSeen);
    }

    [Fact]
    public async Task Processes_at_one_end_are_bounded()
    {
        await using var fixture = new StoreFixture();
        var sightings = Enumerable.Range(0, 100).Select(i => fixture.Seen("10.0.0.1", "10.0.0.2", 443, process: new($"/tmp/{i}", $"{i}", "", "root"))).ToArray();
        await fixture.SubmitAsync(1, sightings);

        var members = fixture.OnlyEdge().Edge.At(FlowSide.Source).Processes.Members;
        Assert.Equal(ProcessSet.Limit + 1, members.Count);
        Assert.Same(KnownProcess.Others, members[^1]);
    }

    [Fact]
    public async Task More_edges_than_the_limit_are_counted_as_lost()
    {
        await using var fixture = new StoreFixture { Options = new("") { MaxEdges = 10 } };
        await fixture.SubmitAsync(1, [.. Enumerable.Range(1, 25).Select(port => fixture.Seen("10.0.0.1", "10.0.0.2", (ushort)port))]);

        var sample = fixture.LastHour();
        Assert.Equal(10, sample.Edges.Count);
        Assert.Equal(15, sample.Gaps[Agents.A].Lost);
    }

    [Fact]
    public async Task Gaps_add_up_by_agent_within_the_window_and_outlive_a_kill()
    {
        await using var fixture = new StoreFixture();
        await fixture.SubmitAsync(fixture.Batch(1) with { Gaps = new(100, 0, 0) });
        fixture.Time.Advance(TimeSpan.FromHours(3));
        await fixture.SubmitAsync(fixture.Batch(2) with { Gaps = new(1, 2, 3) });
        await fixture.SubmitAsync(fixture.Batch(3) with { Gaps = new(0, 20, 0) });
        await fixture.SubmitAsync(fixture.Batch(3) with { Gaps = new(0, 20, 0) });
        await fixture.SubmitAsync(fixture.Batch(1) with { Agent = Agents.B, Gaps = new(0, 0, 5) });
        await fixture.SubmitAsync(fixture.Batch(4, fixture.Seen("10.0.0.1", "10.0.0.2", 443)));

        await using var after = fixture.Killed();
        foreach (var sample in new[] { fixture.LastHour(), after.LastHour() })
        {
            Assert.Equal([(Agents.A, new(1, 22, 3)), (Agents.B, new Gaps(0, 0, 5))], sample.Gaps.OrderBy(entry => entry.Key).Select(entry => (entry.Key, entry.Value)));
        }

        Assert.Equal(101, after.Store.Sample(StoreFixture.Start, after.Time.GetUtcNow().AddSeconds(1)).Gaps[Agents.A].Lost);
    }

    [Fact]
    public async Task Too_much_waiting_is_refused_and_nothing_of_it_is_stored()
    {
        await using var fixture = new StoreFixture { Options = new("") { MaxWaiting = 10 } };
        var batch = fixture.Batch(1, [.. Enumerable.Repeat(fixture.Seen("10.0.0.1", "10.0.0.2", 443), 20)]);

        Assert.Null(fixture.Store.TrySubmit(batch));
        await fixture.SubmitAsync(batch with { Sightings = [batch.Sightings[0]] });
        Assert.Equal(1, fixture.OnlyEdge().Connections);
    }

    [Fact]
    public async Task A_batch_that_the_disk_refuses_is_not_stored_and_counts_once_when_sent_again()
    {
        await using var fixture = new StoreFixture();
        await fixture.SubmitAsync(1, fixture.Seen("10.0.0.1", "10.0.0.2", 443));
        var batch = fixture.Batch(2, fixture.Seen("10.0.0.1", "10.0.0.2", 443), fixture.Seen("10.0.0.1", "10.0.0.3", 443));
        using (var other = SqliteFile.Open(Path.Combine(fixture.Folder, "2026-11-22.db"), 1, ""))
        {
            other.Execute("BEGIN IMMEDIATE");
            await Assert.ThrowsAsync<FlowStoreException>(() => fixture.SubmitAsync(batch));
            Assert.Equal(1, fixture.OnlyEdge().Connections);
        }

        await fixture.SubmitAsync(batch);
        await fixture.SubmitAsync(batch);
        Assert.Equal([2, 1], fixture.LastHour().Edges.Select(edge => edge.Connections));
    }

    [Fact]
    public async Task A_checkpoint_that_the_disk_refuses_is_made_up_for()
    {
        await using var fixture = new StoreFixture { Options = new("") { CheckpointAfter = 1 } };
        await fixture.SubmitAsync(1, fixture.Seen("10.0.0.1", "10.0.0.2", 443));
        using (var other = SqliteFile.Open(Path.Combine(fixture.Folder, "catalog.db"), 1, ""))
        {
            other.Execute("BEGIN IMMEDIATE");
            await fixture.SubmitAsync(2, fixture.Seen("10.0.0.1", "10.0.0.2", 443));
            await fixture.SubmitAsync(3, fixture.Seen("10.0.0.1", "10.0.0.2", 443, blocked: true));
        }

        await fixture.SubmitAsync(4, fixture.Seen("10.0.0.1", "10.0.0.2", 443));
        var before = Describe(fixture.LastHour());
        await fixture.ReopenAsync();
        Assert.Equal(before, Describe(fixture.LastHour()));
        Assert.Equal(4, fixture.OnlyEdge().Connections);
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public async Task Files_are_for_the_owner_alone()
    {
        await using var fixture = new StoreFixture();
        await fixture.SubmitAsync(1, fixture.Seen("10.0.0.1", "10.0.0.2", 443));

        Assert.All(Directory.EnumerateFiles(fixture.Folder), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(fixture.Folder));
    }

    [Fact]
    public async Task A_file_of_another_version_is_refused_by_name()
    {
        await using var fixture = new StoreFixture();
        await fixture.SubmitAsync(1, fixture.Seen("10.0.0.1", "10.0.0.2", 443));
        await fixture.ReopenAsync();
        using (var file = SqliteFile.Open(Path.Combine(fixture.Folder, "catalog.db"), 1, ""))
        {
            file.Execute("PRAGMA user_version = 99");
        }

        var refusal = Assert.Throws<FlowStoreException>(() => fixture.Store);
        Assert.Contains("catalog.db has format 99", refusal.Message, StringComparison.Ordinal);
    }

    private static string Describe(TrafficSample sample) => string.Join('\n', sample.Edges.Select(traffic =>
    {
        var (edge, source) = (traffic.Edge, traffic.Edge.At(FlowSide.Source));
        return $"{edge.Source.Address}>{edge.Destination.Address}:{edge.Port} {traffic.Connections} {traffic.Blocked} {traffic.Bytes} {edge.FirstSeen}-{edge.LastSeen} "
            + $"{source.LastPassed} {source.LastBlocked} {source.BlockedBy} {string.Join(',', source.Processes.Members.Select(member => member.Seen?.Path))}";
    }));
}
