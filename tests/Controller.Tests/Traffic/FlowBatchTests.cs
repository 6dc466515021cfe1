using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Controller.Traffic;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Google.Protobuf;

namespace Bulkhead.Controller.Tests.Traffic;

public sealed class FlowBatchTests
{
    private static readonly DateTimeOffset s_now = StoreFixture.Start;

    private static readonly Workload s_agent = new()
    {
        Id = new(Agents.A),
        Name = "web",
        Addresses = [ScopedAddress.Of(IpAddress.Parse("10.0.0.1")), ScopedAddress.Of(IpAddress.Parse("fd00::1"))],
        Managed = true,
    };

    public static TheoryData<string, Action<FlowBatch>> Malformed { get; } = new()
    {
        { "spool_epoch", batch => batch.SpoolEpoch = 0 },
        { "sequence", batch => batch.Sequence = 0 },
        { "window_ms", batch => batch.WindowMs = 0 },
        { "window_ms", batch => batch.WindowMs = uint.MaxValue },
        { "age_ms", batch => batch.AgeMs = ulong.MaxValue },
        { "not times", batch => batch.SentUnixMs = 0 },
        { "not times", batch => batch.WindowUnixMs = long.MinValue },
        { "processes[0]: the path", batch => batch.Processes[0].Path = new('x', 5000) },
        { "processes[0]: a name", batch => batch.Processes[0].User = new('x', 300) },
        { "flows[0]: no direction", batch => batch.Flows[0].Direction = Direction.Unspecified },
        { "flows[0]: no direction", batch => batch.Flows[0].Direction = (Direction)9 },
        { "flows[0]: no outcome", batch => batch.Flows[0].Outcome = Outcome.Unspecified },
        { "flows[0]: an address", batch => batch.Flows[0].LocalAddress = ByteString.Empty },
        { "flows[0]: an address", batch => batch.Flows[0].RemoteAddress = ByteString.CopyFrom(1, 2, 3, 4, 5) },
        { "flows[0]: the addresses", batch => batch.Flows[0].RemoteAddress = Bytes("fd00::2") },
        { "flows[0]: protocol", batch => batch.Flows[0].Protocol = 0 },
        { "flows[0]: protocol", batch => batch.Flows[0].Protocol = 256 },
        { "flows[0]: port", batch => batch.Flows[0].Port = 65_536 },
        { "flows[0]: port", batch => (batch.Flows[0].Protocol, batch.Flows[0].Port) = (1, 256) },
        { "flows[0]: process", batch => batch.Flows[0].Process = 2 },
        { "flows[0]: decided_by", batch => batch.Flows[0].DecidedBy = -3 },
        { "flows[0]: first_ms", batch => batch.Flows[0].FirstMs = -1 },
        { "flows[0]: first_ms", batch => batch.Flows[0].LastMs = 10_001 },
        { "flows[0]: first_ms", batch => (batch.Flows[0].FirstMs, batch.Flows[0].LastMs) = (5, 4) },
        { "flows[0]: a count", batch => batch.Flows[0].Connections = ulong.MaxValue },
        { "flows[0]: a count", batch => batch.Flows[0].BytesIn = ulong.MaxValue },
        { "flows[0]: a count", batch => batch.Flows[0].Open = uint.MaxValue },
        { "names[0]: an address", batch => batch.Names.Add(new AddressName { Name = "a.example" }) },
        { "names[0]: the name", batch => batch.Names.Add(new AddressName { Address = Bytes("10.0.0.2"), Name = "" }) },
        { "names[0]: the name", batch => batch.Names.Add(new AddressName { Address = Bytes("10.0.0.2"), Name = "a\u001b[2J" }) },
        { "scans[0]: no direction", batch => batch.Scans.Add(Scan(scan => scan.Direction = Direction.Unspecified)) },
        { "scans[0]: the source", batch => batch.Scans.Add(Scan(scan => scan.Source = ByteString.Empty)) },
        { "scans[0]: process", batch => batch.Scans.Add(Scan(scan => scan.Process = 9)) },
        { "scans[0]: a count", batch => batch.Scans.Add(Scan(scan => scan.Targets = ulong.MaxValue)) },
        { "scans[0]: first_port", batch => batch.Scans.Add(Scan(scan => scan.LastPort = 70_000)) },
        { "scans[0]: first_ms", batch => batch.Scans.Add(Scan(scan => scan.LastMs = 20_000)) },
        { "scans[0]: protocol", batch => batch.Scans.Add(Scan(scan => scan.Samples[0].Protocol = 0)) },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_batch_with_a_fault_is_refused_whole_and_the_fault_named(string expected, Action<FlowBatch> spoil)
    {
        var batch = Batch();
        spoil(batch);
        Assert.Null(FlowBatchReader.Read(batch, s_agent, s_now, s_now.AddDays(-30), out var fault));
        Assert.Contains(expected, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Too_many_flows_or_processes_are_refused()
    {
        var flows = Batch();
        flows.Flows.AddRange(Enumerable.Repeat(flows.Flows[0], FlowBatchReader.MaxFlows));
        Assert.Null(FlowBatchReader.Read(flows, s_agent, s_now, s_now.AddDays(-30), out _));

        var processes = Batch();
        processes.Processes.AddRange(Enumerable.Repeat(processes.Processes[0], FlowBatchReader.MaxProcesses));
        Assert.Null(FlowBatchReader.Read(processes, s_agent, s_now, s_now.AddDays(-30), out _));
    }

    [Fact]
    public void A_wrong_clock_is_corrected_by_when_the_batch_was_sent()
    {
        var batch = Batch();
        batch.SentUnixMs = 1_000_000_015_000;
        batch.WindowUnixMs = 1_000_000_000_000;

        var sighting = Assert.Single(Read(batch).Sightings);
        Assert.Equal(s_now.AddSeconds(-14).ToUnixTimeMilliseconds(), sighting.First);
        Assert.Equal(s_now.AddSeconds(-13).ToUnixTimeMilliseconds(), sighting.Last);
    }

    [Fact]
    public void An_age_by_a_clock_that_nobody_sets_goes_before_what_the_clock_on_the_wall_says()
    {
        var batch = Batch();
        batch.AgeMs = 3_600_000;
        batch.SentUnixMs = 1;
        Assert.Equal(s_now.AddHours(-1).AddSeconds(1).ToUnixTimeMilliseconds(), Assert.Single(Read(batch).Sightings).First);

        batch.AgeMs = 1;
        Assert.Equal(s_now.AddSeconds(-9).ToUnixTimeMilliseconds(), Assert.Single(Read(batch).Sightings).First);
    }

    [Fact]
    public void A_scan_brings_its_samples_as_sightings_and_one_from_an_address_that_is_not_the_agents_counts_as_lost()
    {
        var batch = Batch();
        batch.Scans.Add(Scan(_ => { }));
        batch.Scans.Add(Scan(scan => (scan.Direction, scan.Source) = (Direction.Outbound, Bytes("10.0.0.77"))));

        var read = Read(batch);

        var scan = Assert.Single(read.Scans);
        Assert.Equal(("203.0.113.7", FlowSide.Destination, 5000L, "10.0.0.1 tcp/22"), (scan.Source.Address.ToString(), scan.Side, scan.Targets, Assert.Single(scan.Samples)));
        Assert.Contains(read.Sightings, sighting => sighting.Port == 22);
        Assert.Equal(5000, read.Gaps.Lost);
    }

    [Fact]
    public void A_clock_that_was_set_back_puts_nothing_into_the_future()
    {
        var batch = Batch();
        batch.SentUnixMs = batch.WindowUnixMs - 3_600_000;
        Assert.Equal(s_now.AddSeconds(-8).ToUnixTimeMilliseconds(), Assert.Single(Read(batch).Sightings).Last);
    }

    [Fact]
    public void A_direction_says_who_is_the_consumer()
    {
        var batch = Batch();
        var outbound = Assert.Single(Read(batch).Sightings);
        Assert.Equal(("10.0.0.1", "10.0.0.2", FlowSide.Source), (outbound.Source.ToString(), outbound.Destination.ToString(), outbound.Side));
        Assert.Equal("nginx", outbound.Process!.Name);

        batch.Flows[0].Direction = Direction.Inbound;
        var inbound = Assert.Single(Read(batch).Sightings);
        Assert.Equal(("10.0.0.2", "10.0.0.1", FlowSide.Destination), (inbound.Source.ToString(), inbound.Destination.ToString(), inbound.Side));
    }

    [Fact]
    public void What_an_agent_says_of_addresses_that_are_not_its_own_is_left_out_and_counted()
    {
        var batch = Batch();
        batch.LostEvents = 3;
        batch.DroppedBatches = 2;
        batch.Flows.Add(new FlowSummary(batch.Flows[0]) { LocalAddress = Bytes("10.0.0.9"), Connections = 5 });
        batch.Flows.Add(new FlowSummary(batch.Flows[0]) { LocalAddress = Bytes("127.0.0.1"), RemoteAddress = Bytes("127.0.0.1") });
        batch.Flows.Add(new FlowSummary(batch.Flows[0]) { LocalAddress = Bytes("fe80::5"), RemoteAddress = Bytes("ff02::1") });

        var read = Read(batch);
        Assert.Equal(["10.0.0.1", "fe80::5"], read.Sightings.Select(sighting => sighting.Source.ToString()));
        Assert.Equal(8, read.Gaps.Lost);
    }

    [Fact]
    public void What_an_agent_could_not_tell_in_full_is_counted_apart_from_what_it_lost()
    {
        var batch = Batch();
        (batch.LostEvents, batch.IncompleteConnections, batch.UnnamedConnections) = (3, 4, 5);
        Assert.Equal(new Gaps(3, 4, 5), Read(batch).Gaps);

        batch.UnnamedConnections = ulong.MaxValue;
        Assert.Equal(Gaps.Most, Read(batch).Gaps.Plus(Read(batch).Gaps).Unnamed);
    }

    [Fact]
    public void What_is_older_than_retention_counts_as_lost()
    {
        var batch = Batch();
        batch.IncompleteConnections = batch.UnnamedConnections = 1;
        batch.WindowUnixMs = batch.SentUnixMs - (long)TimeSpan.FromDays(31).TotalMilliseconds;
        var read = Read(batch);
        Assert.Empty(read.Sightings);
        Assert.Equal(new Gaps(1, 0, 0), read.Gaps);
    }

    private static SightingBatch Read(FlowBatch batch)
    {
        var read = FlowBatchReader.Read(batch, s_agent, s_now, s_now.AddDays(-30), out var fault);
        Assert.True(read is not null, fault);
        return read;
    }

    private static FlowBatch Batch() => new()
    {
        SpoolEpoch = 7,
        Sequence = 1,
        SentUnixMs = s_now.ToUnixTimeMilliseconds(),
        WindowUnixMs = s_now.AddSeconds(-10).ToUnixTimeMilliseconds(),
        WindowMs = 10_000,
        Processes = { new ProcessInfo { Path = "/usr/sbin/nginx", Name = "nginx", Unit = "nginx.service", User = "www-data", Pid = 1 } },
        Flows =
        {
            new FlowSummary
            {
                Direction = Direction.Outbound,
                LocalAddress = Bytes("10.0.0.1"),
                RemoteAddress = Bytes("10.0.0.2"),
                Protocol = 6,
                Port = 3306,
                Process = 1,
                Outcome = Outcome.Passed,
                Connections = 1,
                FirstMs = 1000,
                LastMs = 2000,
            },
        },
    };

    private static ScanSummary Scan(Action<ScanSummary> spoil)
    {
        var scan = new ScanSummary
        {
            Direction = Direction.Inbound,
            Source = Bytes("203.0.113.7"),
            Targets = 5000,
            Addresses = 1,
            Connections = 5000,
            FirstPort = 1,
            LastPort = 5000,
            LastMs = 9000,
            Samples =
            {
                new FlowSummary
                {
                    Direction = Direction.Inbound, LocalAddress = Bytes("10.0.0.1"), RemoteAddress = Bytes("203.0.113.7"), Protocol = 6, Port = 22, Outcome = Outcome.Passed, Connections = 1,
                },
            },
        };
        spoil(scan);
        return scan;
    }

    private static ByteString Bytes(string address) => ByteString.CopyFrom(IpAddress.Parse(address).ToBytes());
}
