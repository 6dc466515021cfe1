using System.Collections.Immutable;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Compile;

/// <summary>An address under which a workload of a label set is visible now (1) or no more (-1).</summary>
internal readonly record struct AddressMove(int LabelSet, KinKey Key, Modes Assigned, Sight Sight, int Sign);

/// <summary>Brings the populations of label sets up to date with workloads and modes.</summary>
internal sealed class PopulationChange(PolicyState before, PolicyModel policy, WorkloadIndex workloads)
{
    /// <summary>By the number of their label set.</summary>
    public PagedList<Population>.Builder Populations { get; } = before.Populations.Change();

    /// <summary>The addresses that changed their place; none if there was nobody before.</summary>
    public List<AddressMove> Moves { get; } = [];

    /// <summary>The label sets that were empty and are not now.</summary>
    public HashSet<int> Entered { get; } = [];

    /// <summary>The label sets that are assigned other modes.</summary>
    public HashSet<int> Remoded { get; } = [];

    /// <summary>Workloads that are new, or that changed in labels or in what else compiling looks at.</summary>
    public List<WorkloadId> Moved { get; } = [];

    /// <summary>Workloads that are gone.</summary>
    public List<WorkloadId> Removed { get; } = [];

    /// <summary>The workloads in quarantine.</summary>
    public ImmutableDictionary<WorkloadId, Workload> Quarantined { get; private set; } = before.Quarantined;

    /// <summary>Moves the workloads that differ.</summary>
    public void MoveWorkloads()
    {
        if (before.Workloads.Count == 0 && before.Rulesets.Count == 0)
        {
            Settle(workloads.Workloads);
            return;
        }

        foreach (var id in workloads.TouchedSince(before.Workloads))
        {
            var (old, now) = (before.Workloads.Find(id), workloads.Find(id));
            if (old is not null)
            {
                Leave(old);
            }

            if (now is not null)
            {
                Enter(now);
            }

            if (now is { Quarantined: true })
            {
                Quarantined = Quarantined.SetItem(id, now);
            }
            else if (old is { Quarantined: true })
            {
                Quarantined = Quarantined.Remove(id);
            }

            if (now is null)
            {
                Removed.Add(id);
            }
            else if (old is null || old.Labels != now.Labels || KinKey.Of(old) != KinKey.Of(now))
            {
                Moved.Add(id);
            }
        }
    }

    private void Leave(Workload workload)
    {
        var labelSet = before.Lattice.Find(workload.Labels)!.Value;
        var population = Populations[labelSet]!;
        Populations[labelSet] = population.Without(workload, before.Workloads);
        Move(labelSet, population.Assigned, workload, before.Workloads, -1);
    }

    private void Enter(Workload workload)
    {
        var labelSet = before.Lattice.Add(workload.Labels);
        if (Populations[labelSet] is not { Kins.IsEmpty: false } population)
        {
            // Whoever was here before keeps its modes until they are assigned to all.
            population = new(before.Inhabited(labelSet)?.Assigned ?? policy.ModesOf(workload.Labels), []);
            Entered.Add(labelSet);
        }

        Populations[labelSet] = population.With(workload, workloads);
        Move(labelSet, population.Assigned, workload, workloads, 1);
    }

    private void Move(int labelSet, Modes assigned, Workload workload, WorkloadIndex index, int sign)
    {
        var key = KinKey.Of(workload);
        foreach (var sight in Sight.Of(workload, index))
        {
            Moves.Add(new(labelSet, key, assigned, sight, sign));
        }
    }

    /// <summary>Lets the first workloads of all in, at once.</summary>
    private void Settle(IReadOnlyList<Workload> everybody)
    {
        foreach (var kindred in everybody.GroupBy(workload => workload.Labels))
        {
            var labelSet = before.Lattice.Add(kindred.Key);
            Entered.Add(labelSet);
            var kins = kindred.GroupBy(KinKey.Of).Select(kin => new Kin(kin.Key, [.. kin], workloads));
            Populations[labelSet] = new(policy.ModesOf(kindred.Key), [.. kins]);
        }

        Moved.AddRange(everybody.Select(workload => workload.Id));
        Quarantined = everybody.Where(workload => workload.Quarantined).ToImmutableDictionary(workload => workload.Id);
    }

    /// <summary>Gives label sets the modes that the policy assigns now.</summary>
    public void AssignModes()
    {
        if (before.Policy.Modes == policy.Modes)
        {
            return;
        }

        for (var labelSet = 0; labelSet < before.Lattice.LabelSetCount; labelSet++)
        {
            if (Populations[labelSet] is { Kins.IsEmpty: false } population
                && policy.ModesOf(before.Lattice.LabelsOf(labelSet)) is var assigned && assigned != population.Assigned)
            {
                Populations[labelSet] = population with { Assigned = assigned };
                Remoded.Add(labelSet);
            }
        }
    }
}
