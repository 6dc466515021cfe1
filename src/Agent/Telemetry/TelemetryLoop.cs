using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Linux.Sockets;
using Bulkhead.Agent.Live;
using Bulkhead.Agent.Spool;
using Bulkhead.Contracts.Agent;
using Bulkhead.Enforcement.Marks;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// Reads the kernel's events on a thread of its own and makes flow batches of them. Between busy reads it naps, so that events come in
/// batches; when nothing happens it does not wake at all until the window ends.
/// </summary>
/// <param name="cgroups">The host's cgroups.</param>
/// <param name="outlet">Gets each window that has something to tell.</param>
/// <param name="pace">How long windows are.</param>
/// <param name="own">The netlink port of the agent's own changes to conntrack.</param>
/// <param name="connectionsLost">Called on the telemetry thread when conntrack lost connections, other than by the agent's own doing.</param>
/// <param name="listenersChanged">Called on the telemetry thread.</param>
/// <param name="blocked">Is given each packet that our table blocked, and its flow if it is known, on the telemetry thread.</param>
/// <param name="problems">Where a failure is stated.</param>
/// <param name="time">The clock.</param>
/// <param name="log">The log.</param>
/// <param name="withPrograms">Whether processes are named by our programs in the kernel, if it takes them.</param>
/// <param name="markMask">The bits of marks that are the agent's own.</param>
internal sealed class TelemetryLoop(CgroupTree cgroups, FlowOutlet outlet, WindowPace pace, uint own, System.Action connectionsLost, System.Action listenersChanged, Action<BlockedPacket, FlowKey?> blocked, Problems problems, TimeProvider time, ILogger log, bool withPrograms = true, uint markMask = MarkTable.DefaultMask)
{
    private const long LongestWindow = 3_600_000;
    private const string Topic = "telemetry";
    private const string NamesTopic = "telemetry-names";
    private const int MostFlows = 50_000;
    private const int MostConnections = 131_072;
    private const int DumpShare = 100;

    // About what the kernel takes to walk its hash table for a dump, however few there are.
    private const int MostAsked = 1000;

    private static readonly TimeSpan _nap = TimeSpan.FromMilliseconds(5);

    // Listeners come and go without an event; and another length of windows is noticed as soon.
    private static readonly TimeSpan _look = TimeSpan.FromSeconds(1);

    // Where our programs name processes nothing is gained by reading at once.
    private static readonly TimeSpan _longNap = TimeSpan.FromMilliseconds(10);

    // Long connections on which nothing happens are told of that often.
    private static readonly TimeSpan _remind = TimeSpan.FromMinutes(5);

    private readonly FlowWindow _window = new(MostFlows);
    private readonly EventTally _tally = new();
    private ListenerTable? _listeners;
    private bool _followed;
    private long _reminded = time.GetTimestamp();
    private volatile HostAddresses _addresses = new([]);

    /// <summary>Bytes that the kernel may keep of connections' events; before <see cref="RunAsync"/>.</summary>
    public int ReceiveBuffer { get; init; } = EventSource.StandardBuffer;

    /// <summary>How long connections' events are read before windows and whoever asks to stop are looked after; before <see cref="RunAsync"/>.</summary>
    public TimeSpan LongestDrain { get; init; } = EventReader.StandardDrain;

    /// <summary>When conntrack may have taken answers for first packets; before <see cref="RunAsync"/>.</summary>
    public TrackingGap Gap { get; init; } = new(time);

    /// <summary>Connections and blocked packets of which nothing could be told, since the agent started.</summary>
    public ulong Lost => _tally.Lost;

    /// <summary>Whether our programs tell who makes connections; else sockets are looked up, which short-lived ones do not wait for.</summary>
    public bool NamesByEvent { get; private set; }

    /// <summary>Kernel events read since the agent started.</summary>
    public ulong Events => _tally.Events;

    /// <summary>Whether the kernel's events are being followed.</summary>
    public bool Following { get; private set; }

    /// <summary>The host's listeners, as last read.</summary>
    public IReadOnlyList<HostListener> Listeners => Volatile.Read(ref _listeners)?.Current ?? [];

    /// <summary>The addresses by which directions are told apart from now on.</summary>
    public HostAddresses Addresses
    {
        set => _addresses = value;
    }

    /// <summary>Runs until cancelled; what it has then is closed as a last, shorter window.</summary>
    public Task RunAsync(CancellationToken cancel)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                Run(cancel);
                done.SetResult();
            }
            catch (Exception bug)
            {
                done.SetException(bug);
            }
        })
        { Name = "telemetry", IsBackground = true }.Start();
        return done.Task;
    }

    private void Run(CancellationToken cancel)
    {
        var backoff = new Backoff(Random.Shared.NextDouble);
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                using var source = EventSource.Open(ReceiveBuffer);
                using var stop = cancel.Register(source.Stop);
                using var sockets = SocketDiagnostics.Open();
                using var counters = ReportCounters.Open();
                var processes = new ProcessTable(cgroups, new UserNames());
                using var owners = OpenOwners(processes);
                problems.Clear(Topic);
                Follow(source, sockets, processes, owners, new StrayPackets(sockets, source.Conntrack), counters, cancel);
            }
            catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
            {
                Following = false;
                var wait = backoff.Next();
                problems.Set(Topic, new Failure
                {
                    Code = "telemetry-unavailable",
                    Message = $"Connections cannot be observed: {failed.Message}",
                    Remedy = "The agent needs CAP_NET_ADMIN, a kernel with conntrack events, and to be the only agent in its network namespace.",
                });
                log.TelemetryFailed(failed.Message, wait.TotalSeconds);
                cancel.WaitHandle.WaitOne(wait);
            }
        }
    }

    private OwnerFeed? OpenOwners(ProcessTable processes)
    {
        if (!withPrograms)
        {
            return null;
        }

        try
        {
            var programs = ConnectionOwners.Attach(cgroups.Root);
            problems.Clear(NamesTopic);
            NamesByEvent = true;
            return new(programs, new(programs, processes, cgroups, new UserNames()));
        }
        catch (Exception refused) when (refused is BpfException or DllNotFoundException or EntryPointNotFoundException)
        {
            NamesByEvent = false;
            log.NamesByLookup(refused.Message);
            problems.Set(NamesTopic, new Failure
            {
                Code = "short-lived-unnamed",
                Message = $"Processes that end within milliseconds of making a connection are not named on this host; the connections themselves are all told of. {refused.Message}",
                Remedy = "Use a kernel of 5.10 or newer with BTF, install libbpf1, and give the agent CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN.",
            });
            return null;
        }
    }

    private void Follow(EventSource source, SocketDiagnostics sockets, ProcessTable processes, OwnerFeed? owners, StrayPackets strays, ReportCounters counters, CancellationToken cancel)
    {
        owners?.Adopt(sockets, cgroups);
        var listeners = new ListenerTable(sockets, processes, time, owners);
        var budget = new LookupBudget(time);
        var resolver = new FlowResolver(sockets, processes, listeners, budget, new(source.Find), owners, markMask) { Addresses = _addresses };
        var connections = new ConnectionTable(_window, resolver.Resolve, MostConnections, resumes: _followed || outlet.HasHistory);
        owners?.Settle = connections.TrySettle;
        var clock = new WindowClock(time, () => pace.Length);
        var missed = new MissedBlocks(counters.Read());
        var reader = new EventReader(source, connections, resolver, owners, strays, missed, _window, _tally, clock, own, Gap, connectionsLost, blocked, log) { Longest = LongestDrain };
        Volatile.Write(ref _listeners, listeners);
        RefreshListeners(listeners);
        reader.Dump(DumpKind.First);
        _followed = true;
        try
        {
            WatchOn();
        }
        finally
        {
            // What ends it early must not swallow connections that only wait for a name.
            connections.Abandon();
        }

        void WatchOn()
        {
            var nextDump = time.GetTimestamp();
            var dumpedWith = resolver.Addresses;
            var naps = new Naps(time);
            var looked = time.GetTimestamp();
            Following = true;

            for (var worked = time.GetTimestamp(); !cancel.IsCancellationRequested;)
            {
                if (pace.RestAfter(time.GetElapsedTime(worked)) is var rest && rest > TimeSpan.Zero)
                {
                    cancel.WaitHandle.WaitOne(rest);
                }

                source.Wait(clock.Left < _look ? clock.Left : _look, owners?.Descriptor ?? -1);
                worked = time.GetTimestamp();
                resolver.Addresses = _addresses;
                reader.Drain();
                if (time.GetElapsedTime(looked) >= _look)
                {
                    looked = time.GetTimestamp();
                    if (listeners.Look())
                    {
                        listenersChanged();
                    }
                }

                if (clock.Left > TimeSpan.Zero && !_window.IsNearlyFull)
                {
                    if (!cancel.IsCancellationRequested && (owners is not null || naps.IsDue()))
                    {
                        Thread.Sleep(owners is not null ? _longNap : _nap);
                    }

                    continue;
                }

                // Whether many new flows are a scan shows only by whether they were answered.
                if (time.GetTimestamp() >= nextDump || (!_window.IsNearlyFull && _window.CountUndecided() >= ScanCondenser.SureThreshold))
                {
                    // A dump is dear, of a full table above all; it may cost one hundredth of the time. It is done without where the connections
                    // are few and their events tell of each new one; other addresses may make connections the host's own that were not.
                    var began = time.GetTimestamp();
                    var few = connections.Count <= MostAsked && !connections.IsOverflowed && ReferenceEquals(dumpedWith, resolver.Addresses);
                    reader.Dump(few ? DumpKind.Named : DumpKind.Periodic);
                    dumpedWith = resolver.Addresses;
                    nextDump = began + ((time.GetTimestamp() - began) * DumpShare);
                }

                CountMissed(isLast: false);
                Close(connections, owners, clock);
                budget.NextWindow();
                RefreshListeners(listeners);
                pace.Measure();
            }

            CountMissed(isLast: true);
            reader.Dump(connections.Count <= MostAsked && !connections.IsOverflowed ? DumpKind.Named : DumpKind.Periodic);
            Close(connections, owners, clock);
            outlet.Flush();
        }

        void CountMissed(bool isLast)
        {
            if (missed.IsDue)
            {
                missed.Count(counters.Read());
            }

            reader.DrainAll(isLast);
            _tally.CountLost(_window, missed.Take());
        }
    }

    private void Close(ConnectionTable connections, OwnerFeed? owners, WindowClock clock)
    {
        var withIdle = time.GetElapsedTime(_reminded) >= _remind;
        _reminded = withIdle ? time.GetTimestamp() : _reminded;
        connections.CountOpen(withIdle);
        _window.CountUnnamed(owners?.NextWindow() ?? 0);
        // Whoever was stopped for hours has one long window, of which nobody wants to know when in it something was.
        var (start, length) = (clock.StartUnixMs, Math.Clamp(clock.OffsetMs, 1, LongestWindow));
        clock.Next();
        // What the disk did not take of earlier windows is told with this one, if it takes that.
        var lost = outlet.TakeLost();
        _tally.CountLost(_window, lost.Connections);
        _window.CountIncomplete(lost.Incomplete);
        _window.CountUnnamed(lost.Unnamed);
        if (_window.Close(start, (uint)length) is { } batch)
        {
            outlet.Add(batch);
        }
    }

    private void RefreshListeners(ListenerTable listeners)
    {
        if (listeners.Refresh())
        {
            listenersChanged();
        }
    }
}
