using System.Diagnostics;
using Bulkhead.Agent.Linux.Netlink;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>
/// Listens to nftables' own events (linux/netfilter/nf_tables.h) for changes of our table that are not ours. The kernel sends a
/// transaction's events and, last, its new generation with the process that made it, all before the transaction's maker goes on.
/// </summary>
public sealed class TableWatch : IDisposable
{
    // A transaction of 100,000 elements makes some 20 MB of events at once, which the kernel keeps until they are read.
    internal const int ReceiveBuffer = 64 << 20;

    private readonly NetlinkSocket _socket;
    private readonly OwnChanges _own;
    private readonly Action<string> _tampered;
    private readonly Action _lost;
    private readonly Thread _thread;
    private readonly object _lock = new();
    private uint _seen;
    private uint? _touched;
    private bool _mayHaveTouched;
    private volatile bool _stopping;

    private TableWatch(NetlinkSocket socket, OwnChanges own, Action<string> tampered, Action lost)
    {
        (_socket, _own, _tampered, _lost) = (socket, own, tampered, lost);
        _thread = new Thread(Run) { IsBackground = true, Name = "nftables watch" };
    }

    internal static TableWatch Start(OwnChanges own, Action<string> tampered, Action lost, int receiveBuffer = ReceiveBuffer)
    {
        var socket = NetlinkSocket.Open(NetlinkFamily.Netfilter);
        socket.SetReceiveBuffer(receiveBuffer);
        socket.Join(Nftables.EventsGroup);
        var watch = new TableWatch(socket, own, tampered, lost);
        watch._thread.Start();
        return watch;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stopping = true;
        _socket.Wake();
        _thread.Join();
        _socket.Dispose();
    }

    /// <summary>
    /// Whether nobody but us changed our table after one generation and up to another, which the kernel has reached; false also if that cannot be told.
    /// </summary>
    internal bool Untouched(uint after, uint until, TimeSpan patience)
    {
        var start = Stopwatch.GetTimestamp();
        lock (_lock)
        {
            while (!IsAtOrBehind(until, _seen) && !_mayHaveTouched)
            {
                var left = patience - Stopwatch.GetElapsedTime(start);
                if (left <= TimeSpan.Zero || !Monitor.Wait(_lock, left))
                {
                    return false;
                }
            }

            return !_mayHaveTouched && (_touched is not { } touched || IsAtOrBehind(touched, after));
        }
    }

    /// <summary>Forgets that events were lost; for after the table was read back or replaced.</summary>
    internal void Forget()
    {
        lock (_lock)
        {
            _mayHaveTouched = false;
        }
    }

    /// <summary>Generations wrap around.</summary>
    private static bool IsAtOrBehind(uint generation, uint other) => (int)(other - generation) >= 0;

    private void Run()
    {
        var buffer = new byte[64 * 1024];
        uint? toucher = null;
        while (!_stopping)
        {
            if (!_socket.Wait(Timeout.InfiniteTimeSpan) || _stopping)
            {
                continue;
            }

            try
            {
                var length = _socket.TryReceive(buffer);
                if (length > 0)
                {
                    Read(buffer.AsSpan(0, length), ref toucher);
                }
            }
            catch (NetlinkException e) when (e.Errno == Errno.NoBufferSpace)
            {
                lock (_lock)
                {
                    _mayHaveTouched = true;
                    Monitor.PulseAll(_lock);
                }

                _lost();
            }
        }
    }

    private void Read(ReadOnlySpan<byte> datagram, ref uint? toucher)
    {
        var reader = new NetlinkReader(datagram);
        while (reader.Next())
        {
            var message = reader.Current;
            if (message.Type >> 8 != Nftables.Subsystem)
            {
                continue;
            }

            if ((byte)message.Type != Nftables.NewGeneration)
            {
                toucher = TableReader.IsOurs(message) ? message.PortId : toucher;
                continue;
            }

            // What a transaction did is told first, then its generation.
            var (generation, by) = Maker(message);
            var foreign = toucher is { } port && !_own.Contains(port, generation);
            toucher = null;
            lock (_lock)
            {
                _seen = generation;
                _touched = foreign ? generation : _touched;
                Monitor.PulseAll(_lock);
            }

            if (foreign)
            {
                _tampered(by);
            }
        }
    }

    private static (uint Generation, string By) Maker(NetlinkMessage message)
    {
        var (generation, process, name) = (0u, 0u, "a process");
        var attributes = message.Attributes(Nftables.GenericHeader);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case Nftables.GenerationId:
                    generation = attributes.U32Be();
                    break;
                case Nftables.GenerationProcess:
                    process = attributes.U32Be();
                    break;
                case Nftables.GenerationProcessName:
                    name = attributes.Text();
                    break;
            }
        }

        return (generation, $"{name} (process {process})");
    }
}
