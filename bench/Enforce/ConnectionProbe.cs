using System.Net;
using System.Net.Sockets;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Enforce;

/// <summary>Holds TCP connections from one host to others and exchanges a byte a millisecond on each until it dies.</summary>
internal sealed class ConnectionProbe : IDisposable
{
    private const int Port = 7998;
    private const int PatienceMilliseconds = 3000;

    private readonly LabHost _source;

    /// <summary>Begins to listen on the hosts.</summary>
    public ConnectionProbe(LabHost source, IEnumerable<LabHost> targets)
    {
        _source = source;
        Targets = [.. targets.Select(host => new Target(host))];
    }

    /// <summary>The hosts that are connected to.</summary>
    public IReadOnlyList<Target> Targets { get; }

    /// <summary>Connects to each host that no connection stands to, and begins to exchange.</summary>
    /// <exception cref="BenchException">One does not answer.</exception>
    public void Open()
    {
        foreach (var target in Targets)
        {
            target.Open(_source);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var target in Targets)
        {
            target.Dispose();
        }
    }

    /// <summary>A host that is connected to.</summary>
    internal sealed class Target : IDisposable
    {
        private readonly LabHost _host;
        private readonly Socket _listener;
        private readonly Thread _server;
        private Socket? _client;
        private Thread? _exchange;
        private long _died;

        public Target(LabHost host)
        {
            _host = host;
            _listener = host.Network.Run(() =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Any, Port));
                socket.Listen(16);
                return socket;
            });
            _server = new(Serve) { IsBackground = true, Name = $"connection probe, server {host.Name}" };
            _server.Start();
        }

        /// <summary>When the first exchange began that was not completed; null while all are.</summary>
        public long? DeadSince() => Volatile.Read(ref _died) is > 0 and var died ? died : null;

        public void Open(LabHost source)
        {
            if (_client is not null && DeadSince() is null)
            {
                return;
            }

            Close();
            var client = source.Network.CreateTcpSocket(AddressFamily.InterNetwork);
            client.ReceiveTimeout = PatienceMilliseconds;
            try
            {
                client.Connect(new IPEndPoint(_host.Ipv4, Port));
                if (!IsAnswered(client, new byte[1]))
                {
                    throw new SocketException((int)SocketError.ConnectionReset);
                }
            }
            catch (SocketException e)
            {
                client.Dispose();
                throw new BenchException($"{source.Name} cannot connect to {_host.Name}, though the policy is open: {e.Message}", e);
            }

            Volatile.Write(ref _died, 0);
            _client = client;
            _exchange = new(() => Exchange(client)) { IsBackground = true, Name = $"connection probe, client of {_host.Name}" };
            _exchange.Start();
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            Close();
            _listener.Dispose();
            _server.Join();
        }

        private void Close()
        {
            _client?.Dispose();
            _exchange?.Join();
        }

        private void Exchange(Socket client)
        {
            var buffer = new byte[1];
            while (true)
            {
                var start = TimeProvider.System.GetTimestamp();
                try
                {
                    if (!IsAnswered(client, buffer))
                    {
                        Volatile.Write(ref _died, start);
                        return;
                    }
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    Volatile.Write(ref _died, start);
                    return;
                }

                Thread.Sleep(1);
            }
        }

        private static bool IsAnswered(Socket client, byte[] buffer) => client.Send(buffer) == 1 && client.Receive(buffer) == 1;

        private void Serve()
        {
            var buffer = new byte[1];
            while (true)
            {
                try
                {
                    using var connection = _listener.Accept();
                    connection.NoDelay = true;
                    Echo(connection, buffer);
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    return;
                }
            }
        }

        private static void Echo(Socket connection, byte[] buffer)
        {
            try
            {
                while (connection.Receive(buffer) == 1)
                {
                    connection.Send(buffer);
                }
            }
            catch (SocketException)
            {
                // Ended by the agent, or by the other end.
            }
        }
    }
}
