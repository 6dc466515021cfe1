using System.Collections.Immutable;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Compile;

/// <summary>All that compiling looks at in a workload besides its label set and addresses.</summary>
internal readonly record struct KinKey(AddressSpace Space, Feature Features, Modes? Pin, bool Managed, bool Quarantined, bool Admitted)
{
    /// <summary>The key of a workload.</summary>
    public static KinKey Of(Workload workload) =>
        new(workload.Space, FeatureMask.Of(workload.Features), workload.Pin, workload.Managed, workload.Quarantined, workload.Admitted);

    /// <summary>The modes in force, of which labels assign some.</summary>
    public Modes ModesWith(Modes assigned) => Pin ?? assigned;

    /// <summary>Whether peer sets of a variant hold these workloads.</summary>
    public bool In(PeerVariant variant, Modes assigned) =>
        Admitted && (variant == PeerVariant.All
            || (Managed && ModesWith(assigned).Outbound == EnforcementMode.Full && (Features & variant.Enforcing) == variant.Enforcing));
}

/// <summary>The number of addresses in a space, and the sum of their digests (<see cref="PeerSetDigest"/>).</summary>
internal readonly record struct AddressSum(AddressSpace Space, int Count, ulong Digest);

/// <summary>Workloads of one label set that agree on everything that compiling looks at; immutable.</summary>
/// <param name="Key">On what they agree.</param>
/// <param name="Members">In id order.</param>
/// <param name="Sums">Of the addresses that they hold; one for each space that is not empty, in space order.</param>
/// <param name="Translated">The members that translations concern; in no order.</param>
internal sealed record Kin(KinKey Key, ImmutableArray<Workload> Members, ImmutableArray<AddressSum> Sums, ImmutableArray<Workload> Translated)
{
    /// <summary>Of workloads in id order.</summary>
    public Kin(KinKey key, ImmutableArray<Workload> members, WorkloadIndex index)
        : this(key, members, Add([], members.SelectMany(index.Held), 1), index.Translations.IsEmpty ? [] : [.. members.Where(index.Translations.Concern)])
    {
    }

    /// <summary>With one member more.</summary>
    public Kin With(Workload workload, WorkloadIndex index)
    {
        var at = Members.BinarySearch(workload, ById.Instance);
        return new(Key, Members.Insert(~at, workload), Add(Sums, index.Held(workload), 1), index.Translations.Concern(workload) ? Translated.Add(workload) : Translated);
    }

    /// <summary>With one member less, which holds what it holds in an index.</summary>
    public Kin Without(Workload workload, WorkloadIndex index)
    {
        var at = Members.BinarySearch(workload, ById.Instance);
        return new(Key, Members.RemoveAt(at), Add(Sums, index.Held(workload), -1), Translated.RemoveAll(member => member.Id == workload.Id));
    }

    /// <summary>Adds addresses to sums, or with -1 takes them off.</summary>
    public static ImmutableArray<AddressSum> Add(ImmutableArray<AddressSum> sums, IEnumerable<ScopedAddress> addresses, int sign)
    {
        foreach (var address in addresses)
        {
            sums = Add(sums, new AddressSum(address.Space, sign, PeerSetDigest.Of(IpPrefix.Host(address.Address)) * (ulong)(long)sign));
        }

        return sums;
    }

    /// <summary>Adds one sum to others.</summary>
    public static ImmutableArray<AddressSum> Add(ImmutableArray<AddressSum> sums, AddressSum more)
    {
        for (var i = 0; i < sums.Length; i++)
        {
            var order = sums[i].Space.CompareTo(more.Space);
            if (order == 0)
            {
                var sum = new AddressSum(more.Space, sums[i].Count + more.Count, sums[i].Digest + more.Digest);
                return sum.Count == 0 ? sums.RemoveAt(i) : sums.SetItem(i, sum);
            }

            if (order > 0)
            {
                return sums.Insert(i, more);
            }
        }

        return sums.Add(more);
    }

    private sealed class ById : IComparer<Workload>
    {
        public static ById Instance { get; } = new();

        public int Compare(Workload? x, Workload? y) => x!.Id.CompareTo(y!.Id);
    }
}

/// <summary>The workloads of one label set, and what is derived of them; immutable but for what is computed when first asked for.</summary>
/// <param name="Assigned">The modes that the policy assigns to the labels.</param>
/// <param name="Kins">None of them empty.</param>
internal sealed record Population(Modes Assigned, ImmutableArray<Kin> Kins)
{
    /// <summary>Whether a host that enforces policy is among them.</summary>
    public bool HasHosts
    {
        get
        {
            foreach (var kin in Kins)
            {
                if (kin.Key.Managed)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>With a workload more.</summary>
    public Population With(Workload workload, WorkloadIndex index)
    {
        var key = KinKey.Of(workload);
        var at = IndexOf(key);
        return this with
        {
            Kins = at < 0
                ? Kins.Add(new Kin(key, [], [], []).With(workload, index))
                : Kins.SetItem(at, Kins[at].With(workload, index)),
        };
    }

    /// <summary>With a workload less, which holds what it holds in an index.</summary>
    public Population Without(Workload workload, WorkloadIndex index)
    {
        var at = IndexOf(KinKey.Of(workload));
        var rest = Kins[at].Without(workload, index);
        return this with { Kins = rest.Members.IsEmpty ? Kins.RemoveAt(at) : Kins.SetItem(at, rest) };
    }

    private int IndexOf(KinKey key)
    {
        for (var i = 0; i < Kins.Length; i++)
        {
            if (Kins[i].Key == key)
            {
                return i;
            }
        }

        return -1;
    }
}
