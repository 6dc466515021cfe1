using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>A workload as judging sees it; the default value stands for no workload.</summary>
/// <param name="Kind">What it has in common with others whose labels the rules cannot tell apart.</param>
/// <param name="Labels">Its kind's labels, here to save a look at the kind.</param>
/// <param name="Standing">Everything else that decides.</param>
internal readonly record struct Seat(Kind Kind, int[] Labels, Standing Standing)
{
    /// <summary>Of any workload.</summary>
    public static Seat Of(PolicyState state, Workload workload)
    {
        var labelSet = state.Lattice.Find(workload.Labels)!.Value;
        var kind = new Kind(0, labelSet, state);
        return new(kind, kind.Labels, new(KinKey.Of(workload), state.Populations[labelSet]!.Assigned));
    }

    /// <summary>Whether there is a workload.</summary>
    public bool IsTaken => Kind is not null;
}

/// <summary>What workloads may have in common besides their labels. There are few of them, so that they stay in the processor's cache.</summary>
internal sealed class Standing(KinKey key, Modes assigned)
{
    /// <summary>What compiling looks at besides labels.</summary>
    public KinKey Key { get; } = key;

    /// <summary>The modes in force.</summary>
    public Modes Modes { get; } = key.ModesWith(assigned);

    /// <summary>Whether an agent enforces policy.</summary>
    public bool IsManaged { get; } = key.Managed;

    /// <summary>Whether peer sets of a variant hold such workloads.</summary>
    public bool IsIn(PeerVariant variant) => Key.In(variant, assigned);
}

/// <summary>Label sets that are in the same groups, so that rules cannot tell them apart.</summary>
internal sealed class Kind(int number, int labelSet, PolicyState state)
{
    private SharedEntries? _entries;

    /// <summary>Counts from 0.</summary>
    public int Number { get; } = number;

    /// <summary>The labels of one of the label sets, coded as in the lattice.</summary>
    public int[] Labels { get; } = state.Lattice.Coded(labelSet);

    /// <summary>The entries of hosts.</summary>
    public SharedEntries Entries => _entries ??= state.EntriesOf(labelSet);
}

/// <summary>All workloads as judging sees them, in id order.</summary>
internal sealed class Seats
{
    /// <summary>Finds them.</summary>
    public Seats(PolicyState state)
    {
        var kinds = new Dictionary<UInt128, Kind>();
        var byLabelSet = new Kind?[state.Lattice.LabelSetCount];
        var standings = new Dictionary<(KinKey, Modes), Standing>();
        All = new Seat[state.Workloads.Count];
        KindOf = new int[All.Length];
        for (var row = 0; row < All.Length; row++)
        {
            var workload = state.Workloads.Workloads[row];
            var labelSet = state.Lattice.Find(workload.Labels)!.Value;
            var (key, assigned) = (KinKey.Of(workload), state.Populations[labelSet]!.Assigned);
            ref var standing = ref CollectionsMarshal.GetValueRefOrAddDefault(standings, (key, assigned), out _);
            var kind = byLabelSet[labelSet] ??= FindKind(state, labelSet, kinds);
            All[row] = new(kind, kind.Labels, standing ??= new(key, assigned));
            KindOf[row] = kind.Number;
        }

        Kinds = kinds.Count;
    }

    /// <summary>One for each workload.</summary>
    public Seat[] All { get; }

    /// <summary>The number of each workload's kind.</summary>
    public int[] KindOf { get; }

    /// <summary>The number of kinds.</summary>
    public int Kinds { get; }

    private static Kind FindKind(PolicyState state, int labelSet, Dictionary<UInt128, Kind> kinds)
    {
        var groups = new List<int>();
        foreach (var group in state.Lattice.GroupsOf(labelSet))
        {
            if (state.Groups[group] is { } named && !(named.Held.IsEmpty && named.Peered.IsEmpty))
            {
                groups.Add(group);
            }
        }

        groups.Sort();
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(groups)), hash);
        var key = BinaryPrimitives.ReadUInt128LittleEndian(hash);
        if (!kinds.TryGetValue(key, out var kind))
        {
            kinds.Add(key, kind = new(kinds.Count, labelSet, state));
        }

        return kind;
    }
}
