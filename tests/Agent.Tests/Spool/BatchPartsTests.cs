using Bulkhead.Agent.Live;
using Bulkhead.Agent.Names;
using Bulkhead.Agent.Spool;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Spool;

public sealed class BatchPartsTests
{
    private const int ControllerTakes = 8 << 20;

    [Fact]
    public void A_small_window_is_left_as_it_is()
    {
        var window = Window(flows: 3, processes: 2, pathLength: 10);
        Assert.Same(window, Assert.Single(BatchParts.Of(window)));
    }

    [Theory]
    [InlineData(20_000, 20_000, 200)]
    [InlineData(49_000, 10, 4000)]
    [InlineData(3000, 3000, 4000)]
    public void A_window_that_the_controller_would_refuse_is_cut_and_nothing_of_it_is_lost_or_told_twice(int flows, int processes, int pathLength)
    {
        const int largest = 1 << 20;
        var expected = Told([Window(flows, processes, pathLength)]);
        var parts = BatchParts.Of(Window(flows, processes, pathLength), largest);
        Assert.True(parts.Count > 1);
        Assert.All(parts, part => Assert.InRange(part.CalculateSize(), 1, largest));
        Assert.All(parts, part => Assert.Equal((5L, 10_000U), (part.WindowUnixMs, part.WindowMs)));
        Assert.Equal(expected, Told(parts));
        Assert.Equal((7UL, 8UL, 9UL), (Sum(parts, part => part.LostEvents), Sum(parts, part => part.IncompleteConnections), Sum(parts, part => part.UnnamedConnections)));
    }

    [Fact]
    public void A_window_of_long_paths_reaches_the_spool_in_parts_that_the_controller_takes()
    {
        using var folder = new TemporaryFolder();
        var spool = new FlowSpool(folder.Path, 64 << 20, NullLogger.Instance);
        var pace = new WindowPace(1, () => TimeSpan.Zero, () => { }, TimeProvider.System);
        var outlet = new FlowOutlet(spool, new NameTable(1, TimeProvider.System), new FlowFollowers(folder["flows.sock"], pace, NullLogger.Instance), BootClock.System, NullLogger.Instance);
        var window = Window(flows: 3000, processes: 3000, pathLength: 4000);
        Assert.True(window.CalculateSize() > ControllerTakes);
        outlet.Add(window);
        outlet.Flush();
        Assert.Equal(default, outlet.TakeLost());

        var parts = new List<FlowBatch>();
        while (spool.Peek() is { } part)
        {
            parts.Add(part);
            spool.Remove(part.Sequence);
        }

        Assert.All(parts, part => Assert.InRange(part.CalculateSize(), 1, ControllerTakes));
        Assert.Equal(Enumerable.Range(1, parts.Count).Select(sequence => (ulong)sequence), parts.Select(part => part.Sequence));
        Assert.Single(parts.Select(part => (part.Boot, part.WindowBootMs)).Distinct());
        Assert.Equal(Told([Window(3000, 3000, 4000)]), Told(parts));
    }

    private static ulong Sum(IEnumerable<FlowBatch> parts, Func<FlowBatch, ulong> count) => parts.Aggregate(0UL, (sum, part) => sum + count(part));

    /// <summary>What batches tell, each flow with its process and name as a line.</summary>
    private static List<string> Told(IEnumerable<FlowBatch> batches) =>
        [.. batches.SelectMany(batch => batch.Flows.Select(flow => Line(batch, flow))
            .Concat(batch.Scans.Select(scan => $"scan {scan.Source} {scan.Connections} {ProcessOf(batch, scan.Process)} {string.Join(';', scan.Samples.Select(flow => Line(batch, flow)))}")))
            .Order(StringComparer.Ordinal)];

    private static string Line(FlowBatch batch, FlowSummary flow) =>
        $"{flow.RemoteAddress.ToBase64()} {batch.Names.SingleOrDefault(name => name.Address == flow.RemoteAddress)?.Name} {flow.Port} {flow.Connections} {ProcessOf(batch, flow.Process)}";

    private static string ProcessOf(FlowBatch batch, uint index) => index == 0 ? "nobody" : $"{batch.Processes[(int)index - 1].Path.Length} {batch.Processes[(int)index - 1].Pid}";

    private static FlowBatch Window(int flows, int processes, int pathLength)
    {
        var window = new FlowBatch { WindowUnixMs = 5, WindowMs = 10_000, LostEvents = 7, IncompleteConnections = 8, UnnamedConnections = 9 };
        for (var i = 1; i <= processes; i++)
        {
            window.Processes.Add(new ProcessInfo { Path = "/" + new string('x', pathLength), Pid = (uint)i });
        }

        for (var i = 0; i < flows; i++)
        {
            window.Flows.Add(Flow(i, (uint)(i % (processes + 1))));
        }

        for (var i = 0; i < 3; i++)
        {
            window.Scans.Add(new ScanSummary { Source = Address(i), Connections = (ulong)i, Process = (uint)(i % processes) + 1, Samples = { Flow(i, 0), Flow(i + 1, 1) } });
        }

        for (var i = 0; i < 50; i++)
        {
            window.Names.Add(new AddressName { Address = Address(i), Name = $"host{i}.example" });
        }

        return window;
    }

    private static FlowSummary Flow(int i, uint process) => new()
    {
        LocalAddress = Address(1), RemoteAddress = Address(i % 200), Protocol = 6, Port = (uint)i, Process = process, Connections = (ulong)i,
    };

    private static ByteString Address(int i) => ByteString.CopyFrom(10, 0, (byte)(i / 256), (byte)i);
}
