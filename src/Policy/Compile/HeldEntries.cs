using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Bulkhead.Policy.Compile;

/// <summary>Entries in canonical order, without repetitions, that the hosts of many label sets hold alike.</summary>
internal sealed class SharedEntries(Entry[] entries)
{
    private EntryLookup? _lookup;

    /// <summary>None.</summary>
    public static SharedEntries None { get; } = new([]);

    /// <summary>In canonical order.</summary>
    public Entry[] All { get; } = entries;

    /// <summary>To be looked up by port.</summary>
    public EntryLookup ByPort => _lookup ??= new(All);
}

/// <summary>The entries of the hosts of one label set, gathered when first asked for. Versions share it as long as it stays the same.</summary>
internal sealed class HeldEntries
{
    private SharedEntries? _entries;

    /// <summary>The entries.</summary>
    public SharedEntries In(PolicyState state, int labelSet) => _entries ??= state.Sharing.Of(state, labelSet);
}

/// <summary>
/// Gathers the entries of label sets within one version. Most keys that operators label by are named in few rules or none, so many label
/// sets are in the same groups and hold the same entries: these are gathered, sorted and indexed once.
/// </summary>
internal sealed class EntrySharing
{
    private readonly ConcurrentDictionary<UInt128, SharedEntries> _byGroups = new();

    /// <summary>The entries of a label set.</summary>
    public SharedEntries Of(PolicyState state, int labelSet)
    {
        var all = state.Lattice.GroupsOf(labelSet);
        var groups = ArrayPool<int>.Shared.Rent(all.Length);
        var (holding, count) = (0, 0);
        foreach (var group in all)
        {
            if (state.Groups[group] is { Held.IsEmpty: false } held)
            {
                groups[holding++] = group;
                count += held.Held.Length;
            }
        }

        Array.Sort(groups, 0, holding);
        var span = groups.AsSpan(0, holding);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(span), hash);
        var key = BinaryPrimitives.ReadUInt128LittleEndian(hash);
        if (!_byGroups.TryGetValue(key, out var entries))
        {
            entries = _byGroups.GetOrAdd(key, new SharedEntries(Gather(state, span, count)));
        }

        ArrayPool<int>.Shared.Return(groups);
        return entries;
    }

    private static Entry[] Gather(PolicyState state, ReadOnlySpan<int> groups, int count)
    {
        var entries = new Entry[count];
        var order = ArrayPool<ulong>.Shared.Rent(count);
        count = 0;
        foreach (var group in groups)
        {
            var held = state.Groups[group]!.Held;
            held.AsSpan().CopyTo(entries.AsSpan(count));
            count += held.Length;
        }

        for (var i = 0; i < count; i++)
        {
            order[i] = entries[i].Order;
        }

        order.AsSpan(0, count).Sort(entries.AsSpan());
        ArrayPool<ulong>.Shared.Return(order);
        return WithoutRepetitions(entries);
    }

    /// <summary>Puts entries of one rule into canonical order; two scopes of a ruleset may say the same to one host.</summary>
    private static Entry[] WithoutRepetitions(Entry[] entries)
    {
        var kept = 0;
        for (var first = 0; first < entries.Length;)
        {
            var next = first + 1;
            while (next < entries.Length && entries[next].Order == entries[first].Order)
            {
                next++;
            }

            if (next - first > 1)
            {
                entries.AsSpan(first, next - first).Sort(Entry.Compare);
            }

            for (; first < next; first++)
            {
                if (kept == 0 || !entries[first].SaysSameAs(entries[kept - 1]))
                {
                    entries[kept++] = entries[first];
                }
            }
        }

        return kept == entries.Length ? entries : entries[..kept];
    }
}
