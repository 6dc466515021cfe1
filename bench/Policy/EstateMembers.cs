using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Bench.Policy;

/// <summary>
/// Finds the workloads that a selector chooses, by looking at label sets; written apart from the engine, since traffic is drawn with it.
/// </summary>
internal sealed class EstateMembers
{
    private static readonly string[] Indexed = ["app", "role"];

    private readonly List<(LabelSet Labels, List<Workload> Workloads)> _all;
    private readonly ILookup<Label, (LabelSet Labels, List<Workload> Workloads)> _byLabel;
    private readonly Dictionary<string, IReadOnlyList<Workload>> _memo = new(StringComparer.Ordinal);

    public EstateMembers(IEnumerable<Workload> workloads)
    {
        _all = [.. workloads.GroupBy(workload => workload.Labels).Select(group => (group.Key, group.ToList()))];
        _byLabel = (from key in Indexed from set in _all select (Label: new Label(key, set.Labels[key]!), Set: set)).ToLookup(pair => pair.Label, pair => pair.Set);
    }

    /// <summary>The workloads that a selector chooses.</summary>
    public IReadOnlyList<Workload> Of(Selector selector)
    {
        if (!_memo.TryGetValue(selector.ToString(), out var members))
        {
            members = [.. Candidates(selector).Where(set => selector.Matches(set.Labels)).SelectMany(set => set.Workloads)];
            _memo.Add(selector.ToString(), members);
        }

        return members;
    }

    private IEnumerable<(LabelSet Labels, List<Workload> Workloads)> Candidates(Selector selector)
    {
        var named = Indexed
            .Select(key => selector.Requirements.FirstOrDefault(requirement => requirement.Key == key && requirement.Kind == RequirementKind.OneOf))
            .FirstOrDefault(requirement => requirement is not null);
        return named is null ? _all : named.Values.SelectMany(value => _byLabel[new(named.Key, value)]);
    }
}
