using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Assertions;

/// <summary>The real workloads that do not yet enforce what the letter of the policy denies: those with a direction that is not in full.</summary>
internal sealed class EnforcementGaps
{
    private const int Listed = 20;

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
        var gaps = Of(assertion.From, Direction.Outbound).Concat(Of(assertion.To, Direction.Inbound)).ToList();
        return (gaps.Sum(g => g.Workloads.Count), gaps
            .SelectMany(g => g.Workloads.OrderBy(w => w.Id).Take(Listed).Select(w => new NotYetEnforced(w.Id, w.Name, g.Direction, w.Managed ? _modes(w)[g.Direction] : null)))
            .OrderBy(g => g.Workload).ThenBy(g => g.Direction).Take(Listed).ToEquatableArray());
    }

    private IEnumerable<(Direction Direction, IReadOnlyList<Workload> Workloads)> Of(RuleEnd end, Direction direction) =>
        end is RuleEnd.Workloads { Selector: var selector } && _regions.Selected(selector, Side.Consumer) is { } chosen
            ? _lax[direction].Of(chosen, Side.Consumer).Select(found => (direction, found.Workloads))
            : [];
}
