using System.Numerics;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Enforcement.Marks;

/// <summary>
/// The classes of socket owners and the marks that stand for them, in the bits of a mask. A class keeps its mark for as long as sockets may
/// carry it: numbers are handed out once. Mark 0 is a socket that nobody stamped. All bits of the mask are no class's: who copies marks of sockets
/// to connections would say that we gave them a helper.
/// </summary>
/// <param name="Mask">The bits of marks that are ours; one run of them.</param>
/// <param name="Marks">Each class's mark, within the mask; by mark.</param>
public sealed record MarkTable(uint Mask, EquatableArray<(uint Mark, SocketOwner Owner)> Marks)
{
    /// <summary>The bits that are ours unless the operator says otherwise.</summary>
    public const uint DefaultMask = 0xff00_0000;

    /// <summary>A table without classes.</summary>
    public static MarkTable Empty { get; } = new(DefaultMask, []);

    /// <summary>Whether a mask is one run of 2 to 16 bits.</summary>
    public static bool IsMask(uint mask) =>
        BitOperations.PopCount(mask) is >= 2 and <= 16 and var bits && mask >> BitOperations.TrailingZeroCount(mask) == (1u << bits) - 1;

    /// <summary>How many classes there can be.</summary>
    public static int Capacity(uint mask) => (1 << BitOperations.PopCount(mask)) - 2;

    /// <summary>Whether a policy asks for what marks tell.</summary>
    public static bool Matters(HostPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return policy.Entries.Any(entry => entry.Process?.Path is not null || entry.Users.Count > 0);
    }

    /// <summary>The owners that a policy tells apart: its paths, any other executable and one that could be anything, each with each set of groups.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="groups">The sets of groups that users are in, besides none.</param>
    public static EquatableArray<SocketOwner> Owners(HostPolicy policy, IEnumerable<EquatableArray<string>> groups)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var sets = groups.Prepend([]).Distinct().ToArray();
        var paths = policy.Entries.Select(entry => entry.Process?.Path).OfType<string>().Distinct().Order(StringComparer.Ordinal);
        return (from kind in paths.Select(path => new SocketOwner(true, path, [])).Prepend(SocketOwner.Other).Prepend(SocketOwner.Unidentified)
                from set in sets
                select kind with { Groups = set }).ToEquatableArray();
    }

    /// <summary>The mark of an owner; 0 if it has none.</summary>
    public uint Of(SocketOwner owner) => Marks.FirstOrDefault(m => m.Owner == owner).Mark;

    /// <summary>The owner that a mark stands for, whatever its other bits; null for a socket that nobody stamped.</summary>
    public SocketOwner? OwnerOf(uint mark)
    {
        foreach (var (known, owner) in Marks)
        {
            if (known == (mark & Mask))
            {
                return owner;
            }
        }

        return null;
    }

    /// <summary>With classes for these owners too; null if the mask has not enough bits.</summary>
    public MarkTable? With(EquatableArray<SocketOwner> owners)
    {
        var missing = owners.Where(owner => Of(owner) == 0).ToArray();
        var shift = BitOperations.TrailingZeroCount(Mask);
        var free = Enumerable.Range(1, Capacity(Mask)).Select(n => (uint)n << shift).Except(Marks.Select(m => m.Mark)).Take(missing.Length).ToArray();
        return free.Length < missing.Length ? null
            : missing.Length == 0 ? this
            : this with { Marks = Marks.Concat(free.Zip(missing)).OrderBy(m => m.Item1).ToEquatableArray() };
    }

    /// <summary>Without the classes of other owners than these.</summary>
    public MarkTable Only(EquatableArray<SocketOwner> owners) =>
        this with { Marks = Marks.Where(m => owners.Contains(m.Owner)).ToEquatableArray() };

    /// <summary>The marks of the owners that meet an entry's condition; with 0 where it is for sockets that nobody stamped.</summary>
    public EquatableArray<uint> Meeting(HostEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return Marks.Where(m => m.Owner.Meets(entry)).Select(m => m.Mark).Concat(entry.UnidentifiedMatches ? [0u] : []).Order().ToEquatableArray();
    }
}
