using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Which workloads a rule touches.</summary>
/// <param name="Consumers">The admitted workloads that its consumer's end chooses, in id order; null if that is a network.</param>
/// <param name="Providers">Those of its provider's end; null if that is a network.</param>
/// <param name="Hosts">The managed workloads that hold an entry of it, in id order.</param>
/// <param name="Without">Hosts that go without it, or to which others do not open, and why.</param>
public sealed record RuleTouch(IReadOnlyList<WorkloadId>? Consumers, IReadOnlyList<WorkloadId>? Providers, IReadOnlyList<WorkloadId> Hosts, IReadOnlyList<LeftOut> Without)
{
    /// <summary>What a rule touches; null if there is no such rule, or it has expired.</summary>
    public static RuleTouch? Of(CompiledPolicy compiled, RuleId rule)
    {
        var state = compiled.State;
        var found = state.Rulesets.Values.Select(ruleset => ruleset.Rules.GetValueOrDefault(rule)).FirstOrDefault(compiled => compiled is not null);
        if (found is null)
        {
            return null;
        }

        var hosts = new HashSet<WorkloadId>();
        foreach (var labelSet in found.Ends.SelectMany(end => LabelSets(end)).Distinct())
        {
            var entries = state.EntriesOf(labelSet).All.Where(entry => entry.Rule == rule).ToList();
            foreach (var kin in state.Inhabited(labelSet)?.Kins ?? [])
            {
                if (kin.Key.Managed && entries.Exists(entry => entry.IsHeldWith(kin.Key.Features)))
                {
                    hosts.UnionWith(kin.Members.Select(workload => workload.Id));
                }
            }
        }

        return new(At("from"), At("to"), [.. hosts.Order()], [.. compiled.LeftOut.Where(missing => missing.Rule == rule)]);

        IReadOnlyList<WorkloadId>? At(string side) => found.Ends.FirstOrDefault(end => end.Side == side) is not { } end ? null
            : [.. LabelSets(end).Distinct().SelectMany(labelSet => state.Inhabited(labelSet)?.Kins ?? []).Where(kin => kin.Key.Admitted).SelectMany(kin => kin.Members).Select(workload => workload.Id).Order()];
    }

    private static IEnumerable<int> LabelSets(LabelledEnd end) => end.Groups.SelectMany(group => group.LabelSets.Span.ToArray());
}

/// <summary>A flow that a rule decided, and at which ends.</summary>
/// <param name="Flow">The flow.</param>
/// <param name="AtConsumer">Whether it decided at the consumer.</param>
/// <param name="AtProvider">Whether it decided at the provider.</param>
public readonly record struct DecidedFlow<T>(T Flow, bool AtConsumer, bool AtProvider);

/// <summary>Tells which flows a rule decided.</summary>
public static class DecidedFlows
{
    /// <summary>Those of judged flows that a rule decided at either end, or may have decided where that is not known; in the order given.</summary>
    public static IEnumerable<DecidedFlow<T>> Of<T>(RuleId rule, IEnumerable<(T Flow, Verdict Verdict)> judged) =>
        from flow in judged
        let decided = new DecidedFlow<T>(flow.Flow, flow.Verdict.Source?.Rule == rule, flow.Verdict.Destination?.Rule == rule)
        where decided.AtConsumer || decided.AtProvider
        select decided;
}
