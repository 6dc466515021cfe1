using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Compile;

/// <summary>Addresses of the workloads that a selector chooses, or of a network, as visible at the host. Equal if name, size and digest are.</summary>
public sealed class PeerSet : IEquatable<PeerSet>
{
    private readonly Lazy<EquatableArray<IpPrefix>> _members;
    private readonly Lazy<AddressMembers> _packed;

    /// <summary>A set of known members.</summary>
    /// <param name="name">Letters and digits; hashes what the set is of, never its members.</param>
    /// <param name="digest">Order-independent hash of the members (<see cref="PeerSetDigest"/>), with which a receiver checks that it has them all.</param>
    /// <param name="members">Sorted and disjoint.</param>
    public PeerSet(string name, ulong digest, EquatableArray<IpPrefix> members)
        : this(name, digest, members.Count, () => members)
    {
    }

    /// <summary>A set whose members are packed; they are unpacked only if somebody asks for <see cref="Members"/>.</summary>
    public PeerSet(string name, AddressMembers members)
        : this(name, members.Digest, members.Count, () => members.All().ToEquatableArray()) => _packed = new(members);

    /// <summary>A set whose members are gathered when first asked for.</summary>
    internal PeerSet(string name, ulong digest, int count, Func<EquatableArray<IpPrefix>> members) =>
        (Name, Digest, Count, _members, _packed) = (name, digest, count, new(members), new(() => AddressMembers.Of(Members)));

    /// <summary>Letters and digits; hashes what the set is of, never its members.</summary>
    public string Name { get; }

    /// <summary>Order-independent hash of the members (<see cref="PeerSetDigest"/>), with which a receiver checks that it has them all.</summary>
    public ulong Digest { get; }

    /// <summary>The number of members.</summary>
    public int Count { get; }

    /// <summary>Sorted and disjoint.</summary>
    public EquatableArray<IpPrefix> Members => _members.Value;

    /// <summary>The same, packed.</summary>
    public AddressMembers Packed => _packed.Value;

    /// <inheritdoc/>
    public bool Equals(PeerSet? other) =>
        other is not null && (ReferenceEquals(this, other) || (Digest == other.Digest && Count == other.Count && string.Equals(Name, other.Name, StringComparison.Ordinal)));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PeerSet);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Digest, Count, string.GetHashCode(Name, StringComparison.Ordinal));

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({Count})";
}
