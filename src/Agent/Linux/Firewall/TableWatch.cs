using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Documents;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>
/// Listens to nftables' own events (linux/netfilter/nf_tables.h) for changes of our table that are not ours. The kernel sends a
/// transaction's events and, last, its new generation with the process that made it.
/// </summary>
public sealed class TableWatch : IDisposable
{
    private const int EventsGroup = 7;
    private const byte Subsystem = 10;
    private const byte NewGeneration = 15;
    private const byte Inet = 1;
    private const int GenericHeader = 4;
    private const ushort TableAttribute = 1;
    private const ushort GenerationProcess = 2;
    private const ushort GenerationProcessName = 3;
    private const int ReceiveBuffer = 8 << 20;

    private readonly NetlinkSocket _socket;
    private readonly OwnChanges _own;
    private readonly Action<string> _tampered;
    private readonly Thread _thread;
    private volatile bool _stopping;

    private TableWatch(NetlinkSocket socket, OwnChanges own, Action<string> tampered)
    {
        (_socket, _own, _tampered) = (socket, own, tampered);
        _thread = new Thread(Run) { IsBackground = true, Name = "nftables watch" };
    }

    internal static TableWatch Start(OwnChanges own, Action<string> tampered)
    {
        var socket = NetlinkSocket.Open(NetlinkFamily.Netfilter);
        socket.SetReceiveBuffer(ReceiveBuffer);
        socket.Join(EventsGroup);
        var watch = new TableWatch(socket, own, tampered);
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

    private void Run()
    {
        var buffer = new byte[64 * 1024];
        var foreign = false;
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
                    Read(buffer.AsSpan(0, length), ref foreign);
                }
            }
            catch (NetlinkException e) when (e.Errno == Errno.NoBufferSpace)
            {
                _tampered("an unknown process (events were lost)");
            }
        }
    }

    private void Read(ReadOnlySpan<byte> datagram, ref bool foreign)
    {
        var reader = new NetlinkReader(datagram);
        while (reader.Next())
        {
            var message = reader.Current;
            if (message.Type >> 8 != Subsystem)
            {
                continue;
            }

            if ((byte)message.Type != NewGeneration)
            {
                foreign |= IsOurTable(message) && !_own.Contains(message.PortId);
                continue;
            }

            if (foreign && Maker(message) is { } by)
            {
                _tampered(by);
            }

            foreign = false;
        }
    }

    private static bool IsOurTable(NetlinkMessage message)
    {
        if (message.Payload.Length < GenericHeader || message.Payload[0] != Inet)
        {
            return false;
        }

        // In the messages of tables, chains, rules, sets and elements alike, attribute 1 names the table.
        var attributes = message.Attributes(GenericHeader);
        while (attributes.Next())
        {
            if (attributes.Type == TableAttribute)
            {
                return attributes.Text() == FirewallDocument.Table;
            }
        }

        return false;
    }

    /// <summary>Who made a generation; null if we did.</summary>
    private string? Maker(NetlinkMessage message)
    {
        uint process = 0;
        var name = "a process";
        var attributes = message.Attributes(GenericHeader);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case GenerationProcess:
                    process = attributes.U32Be();
                    break;
                case GenerationProcessName:
                    name = attributes.Text();
                    break;
            }
        }

        return _own.Contains(process) ? null : $"{name} (process {process})";
    }
}
