using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>What judging looks at in a workload.</summary>
internal sealed class Seat
{
    private readonly Modes _assigned;

    /// <summary>Of any workload.</summary>
    public Seat(PolicyState state, Workload workload)
        : this(state, workload, state.Lattice.Find(workload.Labels)!.Value, new(0, state.Lattice.Find(workload.Labels)!.Value, state))
    {
    }

    /// <summary>Of a workload whose kind is known.</summary>
    public Seat(PolicyState state, Workload workload, int labelSet, Kind kind)
    {
        (Workload, Kind, Key, _assigned) = (workload, kind, KinKey.Of(workload), state.Populations[labelSet]!.Assigned);
        Modes = Key.ModesWith(_assigned);
        IsManaged = workload.Managed;
    }

    /// <summary>The workload.</summary>
    public Workload Workload { get; }

    /// <summary>What it has in common with others.</summary>
    public Kind Kind { get; }

    /// <summary>What compiling looks at besides labels.</summary>
    public KinKey Key { get; }

    /// <summary>The modes in force.</summary>
    public Modes Modes { get; }

    /// <summary>Whether an agent enforces policy on it.</summary>
    public bool IsManaged { get; }

    /// <summary>Whether peer sets of a variant hold it.</summary>
    public bool IsIn(PeerVariant variant) => Key.In(variant, _assigned);
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
        All = new Seat[state.Workloads.Count];
        KindOf = new int[All.Length];
        for (var row = 0; row < All.Length; row++)
        {
            var workload = state.Workloads.Workloads[row];
            var labelSet = state.Lattice.Find(workload.Labels)!.Value;
            All[row] = new(state, workload, labelSet, byLabelSet[labelSet] ??= FindKind(state, labelSet, kinds));
            KindOf[row] = All[row].Kind.Number;
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
