using System.Diagnostics;
using System.Threading.Channels;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Agents;

/// <summary>A transaction of nftables.</summary>
/// <param name="Timestamp">When its event was read, by <see cref="Stopwatch"/>.</param>
/// <param name="Changes">Objects that it changed.</param>
internal readonly record struct TableEvent(long Timestamp, int Changes);

/// <summary>Follows nftables' transactions in a network namespace by the kernel's events, which it sends when a transaction is in force.</summary>
internal sealed class TableEvents : IDisposable
{
    private const int EventsGroup = 7;
    private const byte Subsystem = 10;
    private const byte NewGeneration = 15;

    private readonly NetlinkSocket _socket;
    private readonly Channel<TableEvent> _events = Channel.CreateUnbounded<TableEvent>();
    private readonly Thread _thread;
    private volatile bool _stopping;

    /// <summary>Begins.</summary>
    public TableEvents(NetworkNamespace network)
    {
        _socket = network.Run(() => NetlinkSocket.Open(NetlinkFamily.Netfilter));
        _socket.SetReceiveBuffer(256 << 20);
        _socket.Join(EventsGroup);
        _thread = new(Run) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>The next transaction; null if there is none in time.</summary>
    public async Task<TableEvent?> NextAsync(TimeSpan patience, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(patience);
        try
        {
            return await _events.Reader.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Forgets what has come so far.</summary>
    public void Clear()
    {
        while (_events.Reader.TryRead(out _))
        {
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping = true;
        _socket.Wake();
        _thread.Join();
        _socket.Dispose();
    }

    private void Run()
    {
        var buffer = new byte[64 * 1024];
        var changes = 0;
        while (!_stopping)
        {
            if (!_socket.Wait(Timeout.InfiniteTimeSpan) || _socket.TryReceive(buffer) is not (> 0 and var length))
            {
                continue;
            }

            var reader = new NetlinkReader(buffer.AsSpan(0, length));
            while (reader.Next())
            {
                if (reader.Current.Type == ((Subsystem << 8) | NewGeneration))
                {
                    _events.Writer.TryWrite(new(Stopwatch.GetTimestamp(), changes));
                    changes = 0;
                }
                else
                {
                    changes++;
                }
            }
        }
    }
}
