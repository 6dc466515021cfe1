using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Plan;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>
/// A plan that changes nothing but elements, as one netfilter batch: a message for each element, so that the kernel's answer names the one that it
/// refuses. An element of an interval set is where the prefix begins, and where what follows it does; the last prefix of a family is open.
/// </summary>
internal sealed class ElementBatch : IDisposable
{
    /// <summary>
    /// The longest batch in bytes, some 8,000 changes. One transaction is one message to the kernel and cannot be split; what is longer is left to nft.
    /// </summary>
    public const int Longest = 1 << 20;

    private const int LongestMessage = 512;
    private const ushort NewFlags = NetlinkFlags.Request | NetlinkFlags.Create | NetlinkFlags.Exclusive;

    private readonly List<Change> _changes;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(4096);
    private int _length;

    private ElementBatch(List<Change> changes) => _changes = changes;

    /// <summary>The batch of a plan; null if it changes more than elements, or too many of them.</summary>
    public static ElementBatch? Of(FirewallPlan plan)
    {
        var changes = new List<Change>();
        foreach (var step in plan.Steps)
        {
            switch (step)
            {
                case PlanStep.AddElements { Elements.Count: < Longest / 64 } add:
                    changes.AddRange(add.Elements.Select(element => new Change(add.Set, add.IsInterval, element, true)));
                    break;
                case PlanStep.DeleteElements { Elements.Count: < Longest / 64 } delete:
                    changes.AddRange(delete.Elements.Select(element => new Change(delete.Set, delete.IsInterval, element, false)));
                    break;
                default:
                    return null;
            }
        }

        var batch = new ElementBatch(changes);
        if (batch.TryWrite())
        {
            return batch;
        }

        batch.Dispose();
        return null;
    }

    /// <summary>Makes it happen, all or nothing, if nobody changed anything in nftables since a generation.</summary>
    /// <param name="socket">A netfilter socket for requests.</param>
    /// <param name="generation">What the kernel must still be at, or <see cref="Errno.Restart"/> is the outcome.</param>
    /// <returns>The outcome, in words where elements were refused.</returns>
    /// <exception cref="NetlinkException">What became of it is not known.</exception>
    public NetlinkOutcome Send(NetlinkSocket socket, uint generation)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_buffer.AsSpan(NetlinkMessage.HeaderLength + Nftables.GenericHeader + 4), generation);
        socket.SetSendBuffer(Longest * 2);
        var refused = new List<string>();
        var outcome = socket.Transact(_buffer.AsSpan(0, _length), (index, failure) =>
        {
            if (index > 0 && refused.Count < 5)
            {
                var (set, _, element, added) = _changes[index - 1];
                refused.Add($"{(added ? "add" : "delete")} {element} {(added ? "to" : "from")} {set}: {Reason(failure)}");
            }
        });
        return refused.Count == 0 ? outcome : outcome with { Detail = string.Join("; ", refused) };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private static string Reason(NetlinkOutcome failure) => failure switch
    {
        { Errno: Errno.NoEntry } => "it is not there",
        { Errno: Errno.Exists } => "it is there already",
        _ => $"{failure.Detail ?? Marshal.GetPInvokeErrorMessage(failure.Errno)} (errno {failure.Errno})",
    };

    private bool TryWrite()
    {
        // The generation is filled in when it is sent.
        var begin = NetlinkWriter.Netfilter(Room(), 0, (byte)Nftables.BatchBegin, NetlinkFlags.Request, 0, Nftables.Subsystem);
        begin.U32Be(Nftables.BatchGeneration, 0);
        Take(begin.End());
        for (var i = 0; i < _changes.Count; i++)
        {
            if (_length + LongestMessage > Longest)
            {
                return false;
            }

            Write(_changes[i], i == _changes.Count - 1 ? NetlinkFlags.Ack : (ushort)0);
        }

        Take(NetlinkWriter.Netfilter(Room(), 0, (byte)Nftables.BatchEnd, NetlinkFlags.Request, 0, Nftables.Subsystem).End());
        return true;
    }

    private void Write(Change change, ushort flags)
    {
        var writer = NetlinkWriter.Netfilter(
            Room(),
            Nftables.Subsystem,
            change.Added ? Nftables.NewElements : Nftables.DeleteElements,
            (ushort)(flags | (change.Added ? NewFlags : NetlinkFlags.Request)),
            Nftables.Inet);
        writer.Text(Nftables.Table, FirewallDocument.Table);
        writer.Text(Nftables.ElementsSet, change.Set);
        var list = writer.Nest(Nftables.ElementsList);
        var address = change.Element.Address;
        Key(ref writer, address.Bits, address.IsV6, 0);
        if (change.IsInterval && AddressKeys.EndOf(change.Element) is { } end)
        {
            Key(ref writer, end, address.IsV6, Nftables.IntervalEnd);
        }

        writer.Close(list);
        Take(writer.End());
    }

    private static void Key(ref NetlinkWriter writer, UInt128 bits, bool isV6, uint flags)
    {
        var item = writer.Nest(Nftables.ListItem);
        if (flags != 0)
        {
            writer.U32Be(Nftables.ElementFlags, flags);
        }

        Span<byte> bytes = stackalloc byte[16];
        var key = writer.Nest(Nftables.ElementKey);
        writer.Attribute(Nftables.DataValue, AddressKeys.Write(bits, isV6, bytes));
        writer.Close(key);
        writer.Close(item);
    }

    private Span<byte> Room()
    {
        if (_buffer.Length - _length < LongestMessage)
        {
            var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            _buffer.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        return _buffer.AsSpan(_length);
    }

    private void Take(Span<byte> message) => _length += NetlinkMessage.Align(message.Length);

    private readonly record struct Change(string Set, bool IsInterval, IpPrefix Element, bool Added);
}
