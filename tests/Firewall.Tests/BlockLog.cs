using System.Buffers.Binary;
using System.Threading.Channels;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Documents;

namespace Bulkhead.Firewall.Tests;

/// <summary>A report on a blocked packet.</summary>
/// <param name="Prefix">Why it was blocked.</param>
/// <param name="Protocol">Its protocol.</param>
/// <param name="SourcePort">Its source port; of no meaning for protocols without.</param>
internal sealed record BlockReport(LogPrefix Prefix, byte Protocol, ushort SourcePort);

/// <summary>Reads the reports on blocked packets of the network namespace that it was opened in.</summary>
internal sealed class BlockLog : IDisposable
{
    private const byte Subsystem = 4;
    private const byte Configure = 1;
    private const ushort QueueThreshold = 5;
    private const ushort Prefix = 10;
    private const ushort Payload = 9;

    private readonly Channel<BlockReport> _reports = Channel.CreateUnbounded<BlockReport>();
    private readonly NetlinkSocket _socket;
    private readonly Thread _thread;
    private volatile bool _stopping;

    private BlockLog(NetlinkSocket socket)
    {
        _socket = socket;
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    public static BlockLog Open()
    {
        var socket = NetlinkSocket.Open(NetlinkFamily.Netfilter);
        Span<byte> buffer = stackalloc byte[64];
        var bind = NetlinkWriter.Netfilter(buffer, Subsystem, Configure, NetlinkFlags.Request | NetlinkFlags.Ack, 0, FirewallDocument.LogGroup);
        bind.U8(1, 1);
        socket.Exchange(bind.End()).ThrowIfFailed("bind to the log group");
        var mode = NetlinkWriter.Netfilter(buffer, Subsystem, Configure, NetlinkFlags.Request | NetlinkFlags.Ack, 0, FirewallDocument.LogGroup);
        mode.Attribute(2, [0, 0, 0, 64, 2, 0]);
        mode.U32Be(QueueThreshold, 1);
        socket.Exchange(mode.End()).ThrowIfFailed("set the log's mode");
        return new(socket);
    }

    /// <summary>The next report on a packet that fits; others are forgotten.</summary>
    public async Task<LogPrefix> NextAsync(Func<BlockReport, bool> fits, CancellationToken cancellationToken)
    {
        while (true)
        {
            var report = await _reports.Reader.ReadAsync(cancellationToken);
            if (fits(report))
            {
                return report.Prefix;
            }
        }
    }

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
        while (!_stopping)
        {
            if (_socket.Wait(Timeout.InfiniteTimeSpan) && _socket.TryReceive(buffer) is var length and > 0)
            {
                var reader = new NetlinkReader(buffer.AsSpan(0, length));
                while (reader.Next())
                {
                    Read(reader.Current.Attributes(4));
                }
            }
        }
    }

    private void Read(AttributeReader attributes)
    {
        LogPrefix? prefix = null;
        ReadOnlySpan<byte> packet = [];
        while (attributes.Next())
        {
            if (attributes.Type == Prefix && LogPrefix.TryParse(attributes.Text(), out var parsed))
            {
                prefix = parsed;
            }
            else if (attributes.Type == Payload)
            {
                packet = attributes.Value;
            }
        }

        if (prefix is { } known && packet.Length >= 22)
        {
            var isV6 = packet[0] >> 4 == 6;
            var transport = packet[(isV6 ? 40 : (packet[0] & 15) * 4)..];
            _reports.Writer.TryWrite(new(known, isV6 ? packet[6] : packet[9], BinaryPrimitives.ReadUInt16BigEndian(transport)));
        }
    }
}
