using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Live;
using Bulkhead.Agent.Names;
using Bulkhead.Agent.Spool;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>Telemetry over one of two hosts. What goes to or comes from a second address of the other is blocked.</summary>
internal sealed partial class WatchedHost : IAsyncDisposable
{
    public const string Blocked = "10.78.0.3";
    public const string Passed = "10.78.0.2";

    /// <summary>Where nothing is blocked, and the policy that tests judge by allows nothing.</summary>
    public const string Doubtful = "10.78.0.4";

    private readonly Conntrack _own;
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly FlowSpool _spool;
    private Task _running = Task.CompletedTask;

    public WatchedHost(bool withPrograms = true, Action<BlockedPacket, FlowKey?>? blocked = null, int? receiveBuffer = null, TimeSpan? longestDrain = null, bool hasHistory = false)
    {
        if (hasHistory)
        {
            File.WriteAllText(_folder["position"], "7 1\n");
        }

        foreach (var address in new[] { Blocked, Doubtful })
        {
            Hosts.Peer.Run("ip", "address", "add", address + "/24", "dev", "eth0");
            Hosts.Peer.Run("ip", "address", "add", V6Of(address) + "/64", "dev", "eth0", "nodad");
        }

        Hosts.Host.Nft($$"""
            table inet track {
              chain input {
                type filter hook input priority 0;
                ct state established accept
                icmpv6 type { 133, 134, 135, 136 } accept
                ip6 saddr {{V6Of(Blocked)}} log group 4077 prefix "bulkhead:in:deny:8" drop
                ip saddr {{Blocked}} log group 4077 prefix "bulkhead:in:deny:8" drop
              }
              chain output {
                type filter hook output priority 0;
                ct state established accept
                icmpv6 type { 133, 134, 135, 136 } accept
                ip6 daddr {{V6Of(Blocked)}} log group 4077 prefix "bulkhead:out:deny:7" drop
                ip daddr {{Blocked}} log group 4077 prefix "bulkhead:out:deny:7" drop
              }
            }
            """);
        _own = Hosts.Host.Inside(Conntrack.Open);
        _spool = new FlowSpool(_folder.Path, 1 << 20, NullLogger.Instance);
        var pace = new WindowPace(1, () => TimeSpan.Zero, () => { }, TimeProvider.System);
        var outlet = new FlowOutlet(_spool, new NameTable(10, TimeProvider.System), new FlowFollowers(_folder["flows.sock"], pace, NullLogger.Instance), BootClock.System, NullLogger.Instance);
        Telemetry = new TelemetryLoop(
            CgroupTree.Open(null), outlet, pace, _own.PortId, () => { }, () => { }, blocked ?? ((_, _) => { }), new Problems(() => { }), TimeProvider.System, NullLogger.Instance, withPrograms)
        {
            ReceiveBuffer = receiveBuffer ?? EventSource.StandardBuffer,
            LongestDrain = longestDrain ?? EventReader.StandardDrain,
            Addresses = Hosts.Host.Inside(HostAddresses.Read),
            Gap = Gap,
        };
    }

    /// <summary>The other family's address of the same host.</summary>
    public static string V6Of(string address) => "fd78::" + address[(address.LastIndexOf('.') + 1)..];

    public TwoHosts Hosts { get; } = new();

    public TrackingGap Gap { get; } = new(TimeProvider.System);

    public TelemetryLoop Telemetry { get; }

    public async Task StartAsync()
    {
        _running = Hosts.Host.Inside(() => Telemetry.RunAsync(_stop.Token));
        await Eventually.Holds(() => Telemetry.Following || _running.IsCompleted, "telemetry runs");
    }

    public Task SeenAsync(ulong events) => Eventually.Holds(() => Telemetry.Events >= events, $"{events} events arrive");

    /// <summary>Ends it and returns what it told; all of it in one batch, so tests are to be shorter than a window.</summary>
    public async Task<FlowBatch> StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
        var all = new FlowBatch();
        while (_spool.Peek() is { } batch)
        {
            all.LostEvents += batch.LostEvents;
            all.IncompleteConnections += batch.IncompleteConnections;
            var offset = (uint)all.Processes.Count;
            all.Processes.Add(batch.Processes);
            foreach (var flow in batch.Flows)
            {
                flow.Process += flow.Process > 0 ? offset : 0;
                all.Flows.Add(flow);
            }

            all.Scans.Add(batch.Scans);
            _spool.Remove(batch.Sequence);
        }

        return all;
    }

    public Socket Open(bool atHost, SocketType type, ProtocolType protocol, string? from = null, int port = 0)
    {
        var socket = (atHost ? Hosts.Host : Hosts.Peer).Inside(() => new Socket(from is null ? AddressFamily.InterNetwork : IPAddress.Parse(from).AddressFamily, type, protocol));
        Hosts.Keep(socket);
        if (from is not null)
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), port));
        }

        return socket;
    }

    /// <summary>A raw socket of a protocol that the framework does not know.</summary>
    public Socket OpenRaw(bool atHost, int protocol, string from)
    {
        const int Inet = 2, Inet6 = 10, Raw = 3;
        var family = IPAddress.Parse(from).AddressFamily == AddressFamily.InterNetworkV6 ? Inet6 : Inet;
        var socket = (atHost ? Hosts.Host : Hosts.Peer).Inside(() => new Socket(new SafeSocketHandle(NewSocket(family, Raw, protocol), ownsHandle: true)));
        Hosts.Keep(socket);
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        return socket;
    }

    /// <summary>Runs a program on the host until it has ended, or until the end of the test.</summary>
    public Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        return Hosts.Host.Inside(() => Process.Start(start)!);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _own.Dispose();
        Hosts.Dispose();
        _folder.Dispose();
        _stop.Dispose();
    }

    [System.Runtime.InteropServices.LibraryImport("libc", EntryPoint = "socket")]
    private static partial int NewSocket(int family, int type, int protocol);
}
