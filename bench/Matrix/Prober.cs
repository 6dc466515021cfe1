using System.Net;
using System.Net.Sockets;
using Bulkhead.Lab;
using Bulkhead.Policy.Services;

namespace Bulkhead.Bench.Matrix;

/// <summary>A connection to try.</summary>
/// <param name="From">The consumer.</param>
/// <param name="To">The provider.</param>
/// <param name="IsV6">The family.</param>
/// <param name="Target">What is tried.</param>
internal readonly record struct Probe(LabHost From, LabHost To, bool IsV6, Target Target)
{
    /// <inheritdoc/>
    public override string ToString() => $"{From.Name} {From.Address(IsV6)} → {To.Name} {To.Address(IsV6)} {IpProtocol.NameOf(Target.ProtocolIn(IsV6))}/{Target.RulePort(IsV6)}";
}

/// <summary>Tries connections, many at once, each from its own host.</summary>
internal sealed class Prober : IDisposable
{
    // What passes arrives in milliseconds; what does not, never does. An idle moment of the machine must not look like a wall.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(300);

    private readonly Dictionary<string, Answerer> _answerers;
    private uint _number = 1;

    /// <summary>Begins to answer at all hosts.</summary>
    public Prober(IEnumerable<LabHost> hosts) => _answerers = hosts.ToDictionary(host => host.Name, host => new Answerer(host), StringComparer.Ordinal);

    /// <summary>Tries connections.</summary>
    /// <param name="probes">Which.</param>
    /// <param name="expected">Which of them are waited for longest, because they should pass.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>Whether each passed: it was answered, or at least arrived.</returns>
    public async Task<bool[]> RunAsync(IReadOnlyList<Probe> probes, IReadOnlyList<bool> expected, CancellationToken cancel)
    {
        foreach (var answerer in _answerers.Values)
        {
            answerer.Forget();
        }

        var attempts = new Attempt[probes.Count];
        foreach (var group in Enumerable.Range(0, probes.Count).GroupBy(i => probes[i].From))
        {
            group.Key.Network.Run(() =>
            {
                foreach (var i in group)
                {
                    attempts[i] = new(probes[i], _number++);
                }

                return 0;
            });
        }

        try
        {
            foreach (var attempt in attempts)
            {
                attempt.Start();
            }

            var started = TimeProvider.System.GetTimestamp();
            bool Passed(int i) => attempts[i].IsAnswered || _answerers[probes[i].To.Name].HasMet(attempts[i].Arrival);
            TimeSpan waited;
            do
            {
                await Task.Delay(5, cancel);
                waited = TimeProvider.System.GetElapsedTime(started);
            }
            while (waited < Silence || (waited < Patience && Enumerable.Range(0, attempts.Length).Any(i => expected[i] && !Passed(i))));

            return [.. Enumerable.Range(0, attempts.Length).Select(Passed)];
        }
        finally
        {
            foreach (var attempt in attempts)
            {
                attempt.Dispose();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var answerer in _answerers.Values)
        {
            answerer.Dispose();
        }
    }

    /// <summary>One connection that is tried.</summary>
    private sealed class Attempt : IDisposable
    {
        private readonly Probe _probe;
        private readonly uint _number;
        private readonly Socket _socket;
        private volatile bool _answered;

        public Attempt(Probe probe, uint number)
        {
            (_probe, _number) = (probe, number);
            var protocol = probe.Target.ProtocolIn(probe.IsV6);
            var family = probe.IsV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
            _socket = protocol switch
            {
                IpProtocol.Tcp => new(family, SocketType.Stream, ProtocolType.Tcp),
                IpProtocol.Udp => new(family, SocketType.Dgram, ProtocolType.Udp),
                _ => RawSocket.Open(family, protocol),
            };
            _socket.Bind(new IPEndPoint(probe.From.Address(probe.IsV6), 0));
        }

        public bool IsAnswered => _answered;

        public Arrival Arrival => _probe.Target.Protocol is IpProtocol.Tcp or IpProtocol.Udp
            ? new(_probe.Target.Protocol, _probe.From.Address(_probe.IsV6), (uint)((IPEndPoint)_socket.LocalEndPoint!).Port)
            : new(_probe.Target.Protocol, null, _number);

        public void Start() => _ = RunAsync();

        public void Dispose()
        {
            if (_probe.Target.Protocol == IpProtocol.Tcp)
            {
                _socket.LingerState = new(true, 0);
            }

            _socket.Dispose();
        }

        private async Task RunAsync()
        {
            try
            {
                await _socket.ConnectAsync(new IPEndPoint(_probe.To.Address(_probe.IsV6), _probe.Target.Protocol == IpProtocol.Sctp ? 0 : _probe.Target.Port));
                _answered = _probe.Target.Protocol == IpProtocol.Tcp || await IsEchoedAsync();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Refused, or no longer waited for.
            }
        }

        private async Task<bool> IsEchoedAsync()
        {
            var buffer = new byte[256];
            await _socket.SendAsync(_probe.Target.Protocol == IpProtocol.Udp ? new byte[] { 1 } : RawProbe.Make(_probe.Target, _probe.IsV6, _number));
            while (true)
            {
                var count = await _socket.ReceiveAsync(buffer);
                if (_probe.Target.Protocol == IpProtocol.Udp || (_probe.Target.Protocol == IpProtocol.Icmp && RawProbe.NumberOfReply(_probe.IsV6, buffer.AsSpan(0, count)) == _number))
                {
                    return true;
                }
            }
        }
    }
}
