using System.Net;
using System.Net.Sockets;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Channel;

/// <summary>
/// Opens the agent's own connections and remembers the last of them, so that a blocked packet can be told to have been one of them: each gets its
/// local port before its first packet leaves. Safe for any thread.
/// </summary>
internal sealed class OwnConnections(TimeProvider time)
{
    private const int Remembered = 64;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Queue<Attempt> _attempts = new();
    private IPAddress[] _resolved = [];

    /// <summary>Is told of each connection that came about at none of the controller's addresses, and a packet of which our table dropped: when it began, and the packet.</summary>
    public Action<long, BlockedPacket>? Cut { get; set; }

    /// <summary>Where the policy in force says that the controller is: tried where its name cannot be looked up and never was.</summary>
    public Func<IEnumerable<ControllerEndpoint>> Known { get; set; } = () => [];

    /// <summary>Connects to one of the addresses of a host, tried in their order; to the ones known before if the name cannot be looked up.</summary>
    /// <exception cref="SocketException">None of them can be reached.</exception>
    public async ValueTask<Stream> ConnectAsync(DnsEndPoint to, CancellationToken cancel)
    {
        var dial = new Dial(time.GetTimestamp());
        SocketException? failure = null;
        foreach (var address in await ResolveAsync(to, cancel))
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            patience.CancelAfter(_patience);
            try
            {
                return await ConnectAsync(dial, new IPEndPoint(address, to.Port), patience.Token);
            }
            catch (SocketException refused)
            {
                failure = refused;
            }
            catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
            {
                failure = new SocketException((int)SocketError.TimedOut);
            }
        }

        Change(dial, () => dial.Failed = true);
        throw failure ?? new SocketException((int)SocketError.HostNotFound);
    }

    /// <summary>Our table blocked a packet, of whomever.</summary>
    public void Blocked(BlockedPacket packet)
    {
        if (packet.Why.Direction == Direction.Outbound && packet.Protocol == IpProtocol.Tcp && Find(packet.SourcePort, new(packet.Destination, packet.Port)) is { } dial)
        {
            Change(dial, () => dial.Packet = packet);
        }
    }

    private void Change(Dial dial, Action change)
    {
        bool isCut;
        lock (_gate)
        {
            change();
            isCut = dial is { Failed: true, Packet: not null };
        }

        if (isCut)
        {
            Cut?.Invoke(dial.Began, dial.Packet!.Value);
        }
    }

    private async Task<IPAddress[]> ResolveAsync(DnsEndPoint to, CancellationToken cancel)
    {
        if (IPAddress.TryParse(to.Host, out var one))
        {
            return [one];
        }

        try
        {
            return _resolved = await Dns.GetHostAddressesAsync(to.Host, cancel);
        }
        catch (SocketException) when (_resolved.Length > 0)
        {
            return _resolved;
        }
        catch (SocketException)
        {
            // Whoever answers there has to show the controller's certificate all the same.
            IPAddress[] known = [.. Known().Where(controller => controller.Port == to.Port).Select(controller => new IPAddress(controller.Address.ToBytes()))];
            return known.Length > 0 ? known : throw new SocketException((int)SocketError.HostNotFound);
        }
    }

    private async Task<NetworkStream> ConnectAsync(Dial dial, IPEndPoint to, CancellationToken cancel)
    {
        var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(to.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, 0));
            Remember(dial, (ushort)((IPEndPoint)socket.LocalEndPoint!).Port, to);
            await socket.ConnectAsync(to, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void Remember(Dial dial, ushort port, IPEndPoint to)
    {
        _ = IpAddress.TryRead(to.Address.GetAddressBytes(), out var address);
        lock (_gate)
        {
            if (_attempts.Count == Remembered)
            {
                _attempts.Dequeue();
            }

            _attempts.Enqueue(new(port, new(address, (ushort)to.Port), dial));
        }
    }

    private Dial? Find(ushort port, ControllerEndpoint to)
    {
        lock (_gate)
        {
            return _attempts.LastOrDefault(attempt => attempt.Port == port && attempt.To == to)?.Dial;
        }
    }

    /// <summary>One try to reach the controller, at all of its addresses.</summary>
    private sealed class Dial(long began)
    {
        public long Began { get; } = began;

        public bool Failed { get; set; }

        public BlockedPacket? Packet { get; set; }
    }

    private sealed record Attempt(ushort Port, ControllerEndpoint To, Dial Dial);
}
