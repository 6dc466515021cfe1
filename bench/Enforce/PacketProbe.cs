using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Enforce;

/// <summary>
/// Sends numbered UDP packets from one host to others, one a millisecond, and sees which arrive. Nobody answers, so each is new to conntrack
/// and judged by the rules: which packet was the last to pass, or the first, tells when the rules changed.
/// </summary>
internal sealed class PacketProbe : IDisposable
{
    private const int Port = 7999;

    private readonly SendLog _log = new();
    private readonly Socket _source;
    private readonly Thread _sender;
    private volatile bool _stop;

    /// <summary>Begins to send.</summary>
    public PacketProbe(LabHost source, IEnumerable<LabHost> targets)
    {
        Targets = [.. targets.Select(host => new Target(host, _log))];
        _source = source.Network.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        _sender = new(Send) { IsBackground = true, Name = "packet probe", Priority = ThreadPriority.Highest };
        _sender.Start();
    }

    /// <summary>The hosts that are sent to.</summary>
    public IReadOnlyList<Target> Targets { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop = true;
        _sender.Join();
        _source.Dispose();
        foreach (var target in Targets)
        {
            target.Dispose();
        }
    }

    private void Send()
    {
        var packet = new byte[sizeof(uint)];
        while (!_stop)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(packet, _log.Append(TimeProvider.System.GetTimestamp()));
            foreach (var target in Targets)
            {
                _source.SendTo(packet, target.EndPoint);
            }

            Thread.Sleep(1);
        }
    }

    /// <summary>A host that is sent to.</summary>
    internal sealed class Target : IDisposable
    {
        private readonly SendLog _log;
        private readonly Socket _socket;
        private readonly Thread _receiver;
        private uint _last;
        private uint _first;

        public Target(LabHost host, SendLog log)
        {
            _log = log;
            EndPoint = new(host.Ipv4, Port);
            _socket = host.Network.Run(() =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
                socket.Bind(new IPEndPoint(IPAddress.Any, Port));
                return socket;
            });
            _receiver = new(Receive) { IsBackground = true, Name = $"packet probe {host.Name}" };
            _receiver.Start();
        }

        public IPEndPoint EndPoint { get; }

        /// <summary>When the first packet was sent of those that no longer arrive; null if one arrived that was sent within the silence before now.</summary>
        public long? BlockedSince(TimeSpan silence) =>
            _log.SentAt(Volatile.Read(ref _last) + 1) is { } sent && TimeProvider.System.GetElapsedTime(sent) > silence ? sent : null;

        /// <summary>When the first packet was sent that arrived since <see cref="Forget"/>; null if none did.</summary>
        public long? PassedSince() => Volatile.Read(ref _first) is > 0 and var first ? _log.SentAt(first) : null;

        /// <summary>Forgets what has arrived.</summary>
        public void Forget() => Volatile.Write(ref _first, 0);

        /// <inheritdoc/>
        public void Dispose()
        {
            _socket.Dispose();
            _receiver.Join();
        }

        private void Receive()
        {
            var packet = new byte[sizeof(uint)];
            try
            {
                while (_socket.Receive(packet) == packet.Length)
                {
                    var sequence = BinaryPrimitives.ReadUInt32LittleEndian(packet);
                    Volatile.Write(ref _last, sequence);
                    if (Volatile.Read(ref _first) == 0)
                    {
                        Volatile.Write(ref _first, sequence);
                    }
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Disposed of.
            }
        }
    }
}
