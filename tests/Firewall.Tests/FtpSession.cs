using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Bulkhead.Firewall.Tests;

/// <summary>
/// A client and a server of the File Transfer Protocol (RFC 959, RFC 2428), as far as what they say to each other about data connections; whoever is told
/// where to connect does so when the test says so. Servers of IPv4 speak of ports by the old commands, those of IPv6 by the extended ones.
/// </summary>
internal sealed class FtpSession : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    private readonly List<IDisposable> _open = [];
    private readonly Socket _client;
    private readonly Socket _server;

    private FtpSession(NetworkNamespace clientHost, NetworkNamespace serverHost, Socket client, Socket server)
    {
        (ClientHost, ServerHost, _client, _server) = (clientHost, serverHost, client, server);
        _open.AddRange([client, server]);
    }

    public NetworkNamespace ClientHost { get; }

    public NetworkNamespace ServerHost { get; }

    public IPAddress ClientAddress => ((IPEndPoint)_client.LocalEndPoint!).Address;

    public IPAddress ServerAddress => ((IPEndPoint)_server.LocalEndPoint!).Address;

    private bool IsV6 => ServerAddress.AddressFamily == AddressFamily.InterNetworkV6;

    /// <summary>Opens the control connection, to the port where the server is or to another that leads there, and signs in.</summary>
    public static async Task<FtpSession> OpenAsync(NetworkNamespace clientHost, NetworkNamespace serverHost, IPAddress server, int port = 21, int? dialled = null)
    {
        var listener = serverHost.Inside(() => Listen(server, port));
        var client = clientHost.Inside(() => new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        using var deadline = new CancellationTokenSource(_patience);
        var accepting = listener.AcceptAsync(deadline.Token).AsTask();
        await client.ConnectAsync(new IPEndPoint(server, dialled ?? port), deadline.Token);
        var session = new FtpSession(clientHost, serverHost, client, await accepting);
        session.Keep(listener);
        // A helper reads on after the end of a line.
        await SayAsync(session._server, session._client, "220 ready");
        await SayAsync(session._client, session._server, "USER anonymous");
        return session;
    }

    /// <summary>The server waits for data at a port of its own and says so; the listener is where it waits, or would.</summary>
    public async Task<Socket> PassiveAsync(int saidPort = 0)
    {
        var listener = Keep(ServerHost.Inside(() => Listen(ServerAddress, saidPort)));
        var port = PortOf(listener);
        await SayAsync(_server, _client, IsV6 ? $"229 Entering Extended Passive Mode (|||{port}|)" : $"227 Entering Passive Mode ({Commas(ServerAddress, port)})");
        return listener;
    }

    /// <summary>The client waits for data at a port of its own and says so, or says another address.</summary>
    public async Task<Socket> ActiveAsync(IPAddress? saidAddress = null)
    {
        var listener = Keep(ClientHost.Inside(() => Listen(ClientAddress, 0)));
        await AskAsync(saidAddress ?? ClientAddress, PortOf(listener));
        return listener;
    }

    /// <summary>The client says that it waits somewhere.</summary>
    public Task AskAsync(IPAddress address, int port) => SayAsync(_client, _server, IsV6 ? $"EPRT |2|{address}|{port}|" : $"PORT {Commas(address, port)}");

    /// <summary>Says something on the control connection that is heard, so that it is known to be alive.</summary>
    public Task TalkAsync() => SayAsync(_client, _server, "NOOP");

    public static int PortOf(Socket listener) => ((IPEndPoint)listener.LocalEndPoint!).Port;

    public void Dispose() => _open.ForEach(socket => socket.Dispose());

    private Socket Keep(Socket socket)
    {
        _open.Add(socket);
        return socket;
    }

    private static Socket Listen(IPAddress address, int port)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, port));
        socket.Listen(8);
        return socket;
    }

    private static async Task SayAsync(Socket from, Socket to, string line)
    {
        using var deadline = new CancellationTokenSource(_patience);
        var bytes = Encoding.ASCII.GetBytes(line + "\r\n");
        await from.SendAsync(bytes, deadline.Token);
        var heard = new byte[bytes.Length];
        for (var length = 0; length < heard.Length;)
        {
            length += await to.ReceiveAsync(heard.AsMemory(length), deadline.Token) is var more and > 0 ? more : throw new EndOfStreamException();
        }
    }

    private static string Commas(IPAddress address, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"{address.ToString().Replace('.', ',')},{port >> 8},{port & 255}");
}
