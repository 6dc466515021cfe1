using System.Net;
using System.Net.Sockets;
using Bulkhead.Lab;
using Bulkhead.Policy.Services;

namespace Bulkhead.Bench.Matrix;

/// <summary>A connection that is tried.</summary>
internal interface IAttempt : IDisposable
{
    /// <summary>Whether it was answered.</summary>
    bool IsAnswered { get; }

    /// <summary>How it is known at the other end; null if only the answer tells.</summary>
    Arrival? Arrival { get; }

    /// <summary>Begins.</summary>
    void Start();
}

/// <summary>Tried by a host's own process: by itself, or by a worker that it forks.</summary>
internal sealed class PuppetAttempt(Probe probe, Puppet puppet, bool byWorker, TimeSpan patience) : IAttempt
{
    private volatile bool _answered;

    /// <inheritdoc/>
    public bool IsAnswered => _answered;

    /// <inheritdoc/>
    public Arrival? Arrival => null;

    /// <inheritdoc/>
    public void Start() => _ = RunAsync();

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private async Task RunAsync()
    {
        try
        {
            var to = new IPEndPoint(probe.To.Address(probe.IsV6), probe.Target.Port);
            _answered = await puppet.ConnectAsync(probe.Target.Protocol == IpProtocol.Tcp ? "tcp" : "udp", to, byWorker, patience, CancellationToken.None) == ProbeOutcome.Connected;
        }
        catch (LabException)
        {
            // No longer waited for.
        }
    }
}

/// <summary>Tried by a socket of our own in the host's network. To be made inside it.</summary>
internal sealed class SocketAttempt : IAttempt
{
    private readonly Probe _probe;
    private readonly uint _number;
    private readonly Socket _socket;
    private readonly IPEndPoint _to;
    private volatile bool _answered;

    /// <summary>Makes the socket.</summary>
    /// <param name="probe">What to try.</param>
    /// <param name="number">Tells it from all others.</param>
    public SocketAttempt(Probe probe, uint number)
    {
        (_probe, _number) = (probe, number);
        var protocol = probe.Target.ProtocolIn(probe.IsV6);
        var family = probe.IsV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        _socket = (protocol, probe.Target.Segment) switch
        {
            (IpProtocol.Tcp, null) => new(family, SocketType.Stream, ProtocolType.Tcp),
            (IpProtocol.Udp, _) => new(family, SocketType.Dgram, ProtocolType.Udp),
            _ => RawSocket.Open(family, protocol),
        };
        _socket.Bind(new IPEndPoint(probe.From.Address(probe.IsV6), 0));
        var address = probe.Target.AddressOf(probe.To, probe.IsV6);
        if (probe.Target.Reach != Reach.Host)
        {
            address = Groupcast.Prepare(_socket, address, probe.From);
        }

        _to = new(address, _socket.SocketType == SocketType.Raw ? 0 : probe.Target.Port);
    }

    /// <inheritdoc/>
    public bool IsAnswered => _answered;

    /// <inheritdoc/>
    public Arrival? Arrival => _socket.SocketType == SocketType.Raw
        ? new(_probe.Target.Protocol, null, _number)
        : new(_probe.Target.Protocol, _probe.From.Address(_probe.IsV6), (uint)((IPEndPoint)_socket.LocalEndPoint!).Port);

    /// <inheritdoc/>
    public void Start() => _ = RunAsync();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_socket.SocketType == SocketType.Stream)
        {
            _socket.LingerState = new(true, 0);
        }

        _socket.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await _socket.ConnectAsync(_to);
            _answered = _socket.SocketType == SocketType.Stream || await IsEchoedAsync();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Refused, or no longer waited for.
        }
    }

    private async Task<bool> IsEchoedAsync()
    {
        var buffer = new byte[256];
        var isUdp = _probe.Target.Protocol == IpProtocol.Udp;
        await _socket.SendAsync(isUdp ? new byte[] { 1 } : RawProbe.Make(_probe, _number));
        while (true)
        {
            var count = await _socket.ReceiveAsync(buffer);
            if (isUdp || (_probe.Target.Protocol == IpProtocol.Icmp && RawProbe.NumberOfReply(_probe.IsV6, buffer.AsSpan(0, count)) == _number))
            {
                return true;
            }
        }
    }
}
