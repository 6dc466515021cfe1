using System.Net;
using System.Net.Sockets;

namespace Bulkhead.Firewall.Tests;

/// <summary>Bytes that go over a connection at a bounded pace, each of which says where it stands. Nothing here waits; for one thread.</summary>
internal sealed class Transfer : IDisposable
{
    /// <summary>Bytes a second at most; leaves the processors to others.</summary>
    public const int Pace = 4 << 20;

    // Linux: sol_socket, so_max_pacing_rate.
    private const int SocketLevel = 1;
    private const int MostPerSecond = 47;
    private const int Period = 251;
    private const int Block = 4096;

    private static readonly byte[] _pattern = [.. Enumerable.Range(0, Block + Period).Select(position => At(position))];

    private readonly Socket _sender;
    private readonly Socket _receiver;
    private readonly byte[] _buffer = new byte[64 << 10];
    private long _sent;
    private long _received;
    private Awaited? _awaited;

    private Transfer(Socket sender, Socket receiver) => (_sender, _receiver) = (sender, receiver);

    /// <summary>How much has arrived; from any thread.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Done once so much has arrived; to be asked for once, from any thread.</summary>
    public Task ReachesAsync(long bytes)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _awaited, new(bytes, reached));
        return reached.Task;
    }

    /// <summary>Whether the sender is through and all that it sent has arrived.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Opens the connection.</summary>
    public static async Task<Transfer> OpenAsync(NetworkNamespace from, NetworkNamespace to, IPEndPoint at, CancellationToken cancel)
    {
        using var listener = to.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(at);
        listener.Listen();
        var sender = from.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        sender.SetRawSocketOption(SocketLevel, MostPerSecond, BitConverter.GetBytes(Pace));
        await sender.ConnectAsync(at, cancel);
        var receiver = await listener.AcceptAsync(cancel);
        (sender.Blocking, receiver.Blocking) = (false, false);
        return new(sender, receiver);
    }

    /// <summary>Waits for a moment until one of some transfers can go on.</summary>
    public static void Wait(params IEnumerable<Transfer> transfers)
    {
        var open = transfers.Where(transfer => !transfer.IsOver).ToList();
        var (read, write) = (open.ConvertAll(transfer => transfer._receiver), open.ConvertAll(transfer => transfer._sender));
        Socket.Select(read, write, null, TimeSpan.FromMilliseconds(10));
    }

    /// <summary>Sends as much of a block as there is room for.</summary>
    public void Send()
    {
        var sent = _sender.Send(_pattern.AsSpan((int)(_sent % Period), Block), SocketFlags.None, out var error);
        Assert.True(error is SocketError.Success or SocketError.WouldBlock, $"sending: {error}");
        _sent += error == SocketError.Success ? sent : 0;
    }

    /// <summary>Nothing more is sent.</summary>
    public void End() => _sender.Shutdown(SocketShutdown.Send);

    /// <summary>Takes what has arrived, of which a bounded amount at once; how much.</summary>
    public int Receive()
    {
        if (IsOver)
        {
            return 0;
        }

        var length = _receiver.Receive(_buffer, SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
        {
            return 0;
        }

        Assert.Equal(SocketError.Success, error);
        if (length == 0)
        {
            Assert.Equal(_sent, _received);
            IsOver = true;
        }

        for (var i = 0; i < length; i++)
        {
            Assert.True(_buffer[i] == At(_received + i), $"byte {_received + i} is another");
        }

        Volatile.Write(ref _received, _received + length);
        if (Volatile.Read(ref _awaited) is { } awaited && _received >= awaited.Bytes)
        {
            awaited.Reached.TrySetResult();
        }

        return length;
    }

    public void Dispose()
    {
        _sender.Dispose();
        _receiver.Dispose();
    }

    private static byte At(long position) => (byte)(position % Period);

    private sealed record Awaited(long Bytes, TaskCompletionSource Reached);
}
