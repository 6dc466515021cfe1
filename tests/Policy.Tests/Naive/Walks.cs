using Bulkhead.Policy.Inventory;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>Ways through the same states: whatever the way, what is compiled at a state depends on that state alone.</summary>
internal static class Walks
{
    public static IEnumerable<(string Name, IReadOnlyList<Estate> Steps)> Through(IReadOnlyList<Estate> states, Random random) =>
    [
        ("forward", states),
        ("reversed", [.. states.Reverse()]),
        ("duplicated", [.. states.SelectMany(s => (Estate[])[s, s])]),
        ("squashed", [states[0], states[^1], states[0]]),
        ("split", [states[0], .. states.Zip(states.Skip(1)).SelectMany(pair => (Estate[])[pair.First with { Workloads = pair.Second.Workloads }, pair.Second])]),
        ("with empties between", [.. states.SelectMany(s => (Estate[])[s, random.Next(2) == 0 ? s with { Workloads = [] } : s with { Document = new() }])]),
        ("torn down", [.. TornDown(states[^1], random), states[0]]),
        ("shuffled", [.. states.OrderBy(_ => random.Next())]),
    ];

    /// <summary>Workloads and rules go one after the other, in an order that has nothing to do with how they came.</summary>
    private static IEnumerable<Estate> TornDown(Estate estate, Random random)
    {
        while (true)
        {
            yield return estate;
            var rules = estate.Document.Rulesets.SelectMany(r => r.Rules).ToList();
            if (estate.Workloads.Count + rules.Count == 0)
            {
                yield break;
            }

            estate = rules.Count > 0 && (estate.Workloads.Count == 0 || random.Next(2) == 0) ? WithoutRule(estate, random.Pick(rules).Id) : WithoutWorkload(estate, random.Pick(estate.Workloads).Id);
        }
    }

    private static Estate WithoutRule(Estate estate, long id) => estate with
    {
        Document = estate.Document with { Rulesets = [.. estate.Document.Rulesets.Select(r => r with { Rules = [.. r.Rules.Where(rule => rule.Id != id)] })] },
    };

    private static Estate WithoutWorkload(Estate estate, WorkloadId id) => estate with { Workloads = [.. estate.Workloads.Where(w => w.Id != id)] };
}
