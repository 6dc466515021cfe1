using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Documents;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>A rule that reports blocked packets. The kernel hands a handle out once in the life of a table.</summary>
/// <param name="Chain">Where it stands.</param>
/// <param name="Handle">The kernel's number for it.</param>
internal readonly record struct ReportingRule(string Chain, ulong Handle);

/// <summary>Reads how many packets came to the rules of our table that report blocked ones, whether or not they were reported: that is limited in rate.</summary>
internal sealed class ReportCounters : IDisposable
{
    private readonly NetlinkSocket _socket;
    private readonly byte[] _buffer = new byte[128];

    private ReportCounters(NetlinkSocket socket) => _socket = socket;

    /// <summary>Opens it for the calling thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel has no nftables, or refuses it.</exception>
    public static ReportCounters Open() => new(NetlinkSocket.Open(NetlinkFamily.Netfilter));

    /// <summary>Packets by rule since the rule was made; null if others changed nftables meanwhile, so that some may be missing.</summary>
    /// <exception cref="NetlinkException">The socket failed.</exception>
    public Dictionary<ReportingRule, ulong>? Read()
    {
        var counted = new Dictionary<ReportingRule, ulong>();
        var writer = NetlinkWriter.Netfilter(_buffer, Nftables.Subsystem, Nftables.GetRule, NetlinkFlags.Request | NetlinkFlags.Dump, Nftables.Inet);
        writer.Text(Nftables.Table, FirewallDocument.Table);
        var outcome = _socket.Exchange(writer.End(), message =>
        {
            // Older kernels do not filter.
            if (TableReader.IsOurs(message))
            {
                Read(message, counted);
            }
        });
        return outcome is { Ok: true, Interrupted: false } ? counted : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static void Read(NetlinkMessage message, Dictionary<ReportingRule, ulong> counted)
    {
        var (chain, handle, packets, reports) = ("", 0UL, (ulong?)null, false);
        var attributes = message.Attributes(Nftables.GenericHeader);
        while (attributes.Next())
        {
            switch (attributes.Type)
            {
                case Nftables.RuleChain:
                    chain = attributes.Text();
                    break;
                case Nftables.RuleHandle:
                    handle = attributes.U64Be();
                    break;
                case Nftables.RuleExpressions:
                    (packets, reports) = Expressions(attributes.Nested());
                    break;
            }
        }

        if (reports && packets is { } count)
        {
            counted[new(chain, handle)] = count;
        }
    }

    private static (ulong? Packets, bool Reports) Expressions(AttributeReader list)
    {
        var (packets, reports) = ((ulong?)null, false);
        while (list.Next())
        {
            var name = TableReader.Find(list.Nested(), Nftables.ExpressionName).TrimEnd((byte)0);
            reports |= name.SequenceEqual("log"u8);
            if (name.SequenceEqual("counter"u8))
            {
                var data = new AttributeReader(TableReader.Find(list.Nested(), Nftables.ExpressionData));
                while (data.Next())
                {
                    packets = data.Type == Nftables.CounterPackets ? data.U64Be() : packets;
                }
            }
        }

        return (packets, reports);
    }
}
