using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Assertions;

/// <summary>The real workloads that do not yet enforce what the letter of the policy denies: those with a direction that is not in full.</summary>
internal sealed class EnforcementGaps
{
    private const int Listed = 20;

    private static readonly Comparer<(WorkloadId Id, Direction Direction)> LastFirst = Comparer<(WorkloadId Id, Direction Direction)>.Create((a, b) => b.CompareTo(a));

    private readonly PolicyRegions _regions;
    private readonly Dictionary<Direction, LiveWorkloads> _lax = [];
    private readonly Func<Workload, Modes> _modes;

    /// <summary>Looks at the modes of all workloads once.</summary>
    public EnforcementGaps(PolicyModel policy, WorkloadIndex workloads, PolicyRegions regions, Alphabet alphabet)
    {
        _regions = regions;
        var byLabels = new Dictionary<LabelSet, Modes>();
        _modes = workload =>
        {
            if (workload.Pin is { } pin)
            {
                return pin;
            }

            if (!byLabels.TryGetValue(workload.Labels, out var modes))
            {
                byLabels.Add(workload.Labels, modes = policy.ModesOf(workload.Labels));
            }

            return modes;
        };
        foreach (var direction in Enum.GetValues<Direction>())
        {
            _lax.Add(direction, new(workloads.Workloads.Where(w => !w.Managed || _modes(w)[direction] != EnforcementMode.Full), workloads.Held, alphabet));
        }
    }

    /// <summary>The directions of workloads that an assertion's labelled ends choose and that are not in full: how many, and the first of them.</summary>
    public (int Count, EquatableArray<NotYetEnforced> First) Of(Assertion assertion)
    {
        var count = 0;
        var first = new PriorityQueue<(Workload Workload, Direction Direction), (WorkloadId Id, Direction Direction)>(LastFirst);
        foreach (var (direction, workloads) in Of(assertion.From, Direction.Outbound).Concat(Of(assertion.To, Direction.Inbound)))
        {
            count += workloads.Count;
            foreach (var workload in workloads)
            {
                if (first.Count < Listed)
                {
                    first.Enqueue((workload, direction), (workload.Id, direction));
                }
                else
                {
                    first.EnqueueDequeue((workload, direction), (workload.Id, direction));
                }
            }
        }

        return (count, first.UnorderedItems.Select(item => item.Element).OrderBy(g => g.Workload.Id).ThenBy(g => g.Direction)
            .Select(g => new NotYetEnforced(g.Workload.Id, g.Workload.Name, g.Direction, g.Workload.Managed ? _modes(g.Workload)[g.Direction] : null)).ToEquatableArray());
    }

    private IEnumerable<(Direction Direction, IReadOnlyList<Workload> Workloads)> Of(RuleEnd end, Direction direction) =>
        end is RuleEnd.Workloads { Selector: var selector } && _regions.Selected(selector, Side.Consumer) is { } chosen
            ? _lax[direction].Of(chosen, Side.Consumer).Select(found => (direction, found.Workloads))
            : [];
}
