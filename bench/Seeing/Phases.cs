using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Bulkhead.Bench.Dataplane;
using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Bench.Seeing;

/// <summary>Makes load of several kinds on a host that is watched. Each uses a port of its own, so that what is told of it can be told apart.</summary>
internal sealed partial class Phases(SeenHost host, BenchmarkRun run)
{
    private const int Outgoing = 8;
    private const int Incoming = 2;
    private const int FirstUid = 20_000;
    private const int Stop = 19;
    private const double MostBusy = 90;
    private const double LeastAchieved = 0.9;
    private const int Continue = 18;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(45);

    private int _phase;
    private int _lostBefore;
    private int _firstBatch;

    /// <summary>
    /// Makes connections from eight processes of as many users on the host, and from two processes of the peer to servers of the host, a fifth of all.
    /// </summary>
    /// <param name="rate">Connections a second of all together; 0 for as many as it goes.</param>
    /// <param name="seconds">For how long.</param>
    /// <param name="stalled">For how long meanwhile the agent is not let run.</param>
    /// <returns>What was done, and how many a second that was.</returns>
    public async Task<(Ledger Ledger, double Achieved)> LoadAsync(int rate, int seconds, TimeSpan stalled = default)
    {
        var port = NextPort();
        var began = Stopwatch.GetTimestamp();
        var each = rate / (Outgoing + Incoming);
        var ledger = new Ledger();
        var loads = new List<(LoadProcess Process, Func<uint, (Edge, Owner)> Entry)>();
        try
        {
            for (var i = 0; i < Outgoing + Incoming; i++)
            {
                var (own, peer, uid) = (SeenHost.HostAddress(i), SeenHost.PeerAddress(i / 2), FirstUid + i);
                var isOut = i < Outgoing;
                var (from, to) = isOut ? (own, peer) : (peer, own);
                loads.Add((
                    LoadProcess.Start(isOut ? host.Agent.Network : host.Peer, "connect", uid, from, to, port, each, seconds),
                    isOut
                        ? pid => (new Edge(from, to, (uint)port), new Owner(pid, (uint)uid, LoadProcess.Program))
                        : _ => (new Edge(from, to, (uint)port), new Owner(host.Servers[to], 0, LoadProcess.Program))));
            }

            if (stalled > TimeSpan.Zero)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), run.Cancel);
                _ = SendSignal(host.Agent.Pid, Stop);
                await Task.Delay(stalled, CancellationToken.None);
                _ = SendSignal(host.Agent.Pid, Continue);
            }

            foreach (var (process, entry) in loads)
            {
                foreach (var line in await process.LinesAsync(run.Cancel))
                {
                    var (edge, owner) = entry((uint)line[0]);
                    ledger.Add(edge, owner, line[1]);
                }
            }
        }
        finally
        {
            loads.ForEach(load => load.Process.Dispose());
        }

        return (ledger, ledger.Total / Stopwatch.GetElapsedTime(began).TotalSeconds);
    }

    /// <summary>How busy the machine is while it makes connections, in hundredths of a core.</summary>
    /// <exception cref="BenchException">It has nothing left, so that nothing could make it busier.</exception>
    public async Task<double> BusyAsync(int rate, int seconds)
    {
        var before = MachineTime.Now();
        var (_, achieved) = await LoadAsync(rate, seconds);
        var busy = before.BusyPercentSince();
        return busy < MostBusy * Environment.ProcessorCount && achieved > rate * LeastAchieved
            ? busy
            : throw new BenchException($"the machine is too busy to tell what the agent adds: {busy:N0} % of a core at {achieved:N0} connections a second");
    }

    /// <summary>Starts processes that make one connection each and end; what they did, and for how long each lived, in ms.</summary>
    public async Task<(Ledger Ledger, List<double> LifetimesMs)> BriefAsync(int count, int rate)
    {
        var port = NextPort();
        using var load = LoadProcess.Start(host.Agent.Network, "brief", FirstUid, SeenHost.PeerAddress(0), port, rate, count);
        var ledger = new Ledger();
        var lifetimes = new List<double>();
        foreach (var line in await load.LinesAsync(run.Cancel))
        {
            // Their source is chosen by the route.
            ledger.Add(new("10.79.0.1", SeenHost.PeerAddress(0), (uint)port), new((uint)line[0], FirstUid, LoadProcess.Program), line[1]);
            lifetimes.Add(line[2] / 1e6);
        }

        return (ledger, lifetimes);
    }

    /// <summary>Opens connections, lets them be, and says how many of them are told of as open, and what the agent takes meanwhile in hundredths of a core.</summary>
    public async Task<(long Open, double Percent)> HeldAsync(int count, int seconds)
    {
        var loads = Enumerable.Range(0, 4).Select(i => LoadProcess.Start(
            host.Agent.Network, "hold", FirstUid + i, SeenHost.HostAddress(i), SeenHost.PeerAddress(i), SeenHost.HoldingPort, count / 4)).ToList();
        try
        {
            loads.ForEach(load => load.ReadLine());
            await BatchAfterAsync(Now());
            var (used, began) = (ProcessUsage.ProcessorSeconds(host.Agent.Pid), Stopwatch.GetTimestamp());
            await Task.Delay(TimeSpan.FromSeconds(seconds), run.Cancel);
            var percent = (ProcessUsage.ProcessorSeconds(host.Agent.Pid) - used) / Stopwatch.GetElapsedTime(began).TotalSeconds * 100;
            await BatchAfterAsync(Now());
            return (host.Agent.Controller.Flows.Max(batch => batch.Flows.Where(flow => flow.Port == SeenHost.HoldingPort).Sum(flow => (long)flow.Open)), percent);
        }
        finally
        {
            loads.ForEach(load => load.Dispose());
        }
    }

    /// <summary>Waits until the agent tells of what happens.</summary>
    public async Task WarmUpAsync()
    {
        await LoadAsync(100, 1);
        await ToldAsync();
    }

    /// <summary>What was told since the last load began, once there is nothing more to tell of it.</summary>
    public async Task<IReadOnlyList<FlowBatch>> ToldAsync()
    {
        await BatchAfterAsync(Now());
        return [.. host.Agent.Controller.Flows.Skip(_firstBatch)];
    }

    /// <summary>Connections that batches count as lost since this was last asked.</summary>
    public long TakeLost()
    {
        var batches = host.Agent.Controller.Flows.ToList();
        var lost = batches.Skip(_lostBefore).Sum(batch => (long)batch.LostEvents);
        _lostBefore = batches.Count;
        return lost;
    }

    private int NextPort()
    {
        _firstBatch = host.Agent.Controller.Flows.Count;
        return SeenHost.FirstPort + (_phase++ % SeenHost.Ports);
    }

    private static long Now() => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    /// <summary>Waits for a batch whose window ended after a moment; a quiet host tells nothing, so something is made to happen.</summary>
    private async Task<FlowBatch> BatchAfterAsync(long unixMs)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            if (host.Agent.Controller.Flows.LastOrDefault(batch => batch.WindowUnixMs + batch.WindowMs > unixMs) is { } batch)
            {
                return batch;
            }

            if (Stopwatch.GetElapsedTime(began) > _patience)
            {
                throw new BenchException($"the agent tells nothing; its log ends with: {host.Agent.Log()}");
            }

            await VethPair.RunInAsync(host.Agent.Network, [LoadProcess.Program, "connect", "0", SeenHost.HostAddress(0), SeenHost.PeerAddress(0), SeenHost.NudgePort.ToString(CultureInfo.InvariantCulture), "10", "0.1"], "", run.Cancel);
            await Task.Delay(500, run.Cancel);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int pid, int signal);
}
