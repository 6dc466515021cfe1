using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Documents;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>Reads our table from the kernel, in memory that does not grow with its elements.</summary>
/// <param name="socket">A netfilter socket for requests.</param>
internal sealed class TableReader(NetlinkSocket socket)
{
    private const int Tries = 20;
    private static readonly TimeSpan[] _pauses = [TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(60)];

    private readonly byte[] _buffer = new byte[512];

    /// <summary>The number of nftables' last transaction in this network namespace, whoever made it.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public uint Generation()
    {
        uint generation = 0;
        var writer = Request(Nftables.GetGeneration, NetlinkFlags.Ack);
        socket.Exchange(writer.End(), message =>
        {
            if (IsOf(message, Nftables.NewGeneration) && Find(message.Attributes(Nftables.GenericHeader), Nftables.GenerationId) is { Length: 4 } id)
            {
                generation = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(id);
            }
        }).ThrowIfFailed("read nftables' generation");
        return generation;
    }

    /// <summary>What our table is made of, elements of named sets apart; null if there is none.</summary>
    /// <exception cref="NetlinkException">The kernel refuses, or others change nftables without end.</exception>
    public TableSnapshot? Skeleton() => Undisturbed(() =>
    {
        var builder = new TableSnapshot.Builder();
        var writer = Request(Nftables.GetTable, NetlinkFlags.Ack);
        writer.Text(Nftables.Table, FirewallDocument.Table);
        var outcome = socket.Exchange(writer.End(), builder.Table);
        if (outcome.Errno == Errno.NoEntry)
        {
            return (true, null);
        }

        outcome.ThrowIfFailed("read our nftables table");
        var settled = Dump(Nftables.GetChain, null, builder.Chain) & Dump(Nftables.GetSet, null, builder.Set) & Dump(Nftables.GetRule, null, builder.Rule)
            & Dump(Nftables.GetObject, null, builder.Object);
        return (settled, (TableSnapshot?)builder.Build());
    });

    /// <summary>Compares a set with what it is to hold; the set must exist.</summary>
    /// <exception cref="NetlinkException">The kernel refuses, or others change nftables without end.</exception>
    public SetDifference Compare(AddressSet set)
    {
        // The kernel moves a hash set that has grown to a larger table in the background, and a dump meanwhile may leave elements out.
        for (var i = 0; ; i++)
        {
            var difference = Undisturbed(() =>
            {
                var difference = new SetDifference(set);
                return (Dump(Nftables.GetElements, set.Name, difference.Read), difference);
            });
            if (set.IsInterval || i == _pauses.Length || !difference.IsMissing)
            {
                return difference;
            }

            Thread.Sleep(_pauses[i]);
        }
    }

    /// <summary>Does a reading again until nothing changed while it was made.</summary>
    private static T Undisturbed<T>(Func<(bool Settled, T Result)> read)
    {
        for (var i = 0; i < Tries; i++)
        {
            var (settled, result) = read();
            if (settled)
            {
                return result;
            }
        }

        throw new NetlinkException("read our nftables table", Errno.Interrupted, "others change nftables all the time");
    }

    /// <summary>Lists objects of our table; whether nothing changed while it was read.</summary>
    private bool Dump(byte type, string? set, NetlinkMessageHandler handler)
    {
        var writer = Request(type, NetlinkFlags.Dump);
        writer.Text(Nftables.Table, FirewallDocument.Table);
        if (set is not null)
        {
            writer.Text(Nftables.ElementsSet, set);
        }

        var outcome = socket.Exchange(writer.End(), message =>
        {
            // Older kernels do not filter.
            if (IsOurs(message))
            {
                handler(message);
            }
        });
        if (outcome.Errno is Errno.Interrupted)
        {
            return false;
        }

        outcome.ThrowIfFailed("read our nftables table");
        return !outcome.Interrupted;
    }

    private NetlinkWriter Request(byte type, ushort flags) =>
        NetlinkWriter.Netfilter(_buffer, Nftables.Subsystem, type, (ushort)(NetlinkFlags.Request | flags), Nftables.Inet);

    /// <summary>Whether a message, of any kind, is about our table.</summary>
    public static bool IsOurs(NetlinkMessage message) =>
        message.Type >> 8 == Nftables.Subsystem
        && message.Payload is [Nftables.Inet, ..]
        && Find(message.Attributes(Nftables.GenericHeader), Nftables.Table) is var name
        && name.TrimEnd((byte)0).SequenceEqual(TableName);

    private static ReadOnlySpan<byte> TableName => "bulkhead"u8;

    private static bool IsOf(NetlinkMessage message, byte type) => message.Type == ((Nftables.Subsystem << 8) | type);

    /// <summary>The value of an attribute; empty if there is none.</summary>
    public static ReadOnlySpan<byte> Find(AttributeReader attributes, ushort type)
    {
        while (attributes.Next())
        {
            if (attributes.Type == type)
            {
                return attributes.Value;
            }
        }

        return [];
    }
}
