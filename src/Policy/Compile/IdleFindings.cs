using Bulkhead.Policy.Labels;

namespace Bulkhead.Policy.Compile;

/// <summary>What of a policy does nothing today: modes and plans that choose nobody, and rules that have expired.</summary>
internal static class IdleFindings
{
    public static IEnumerable<Diagnostic> Diagnostics(PolicyState state) =>
        [.. Modes(state).Concat(Plans(state)).Concat(Expired(state))];

    private static IEnumerable<Diagnostic> Modes(PolicyState state) =>
        from mode in state.Policy.Modes
        where !ChoosesAny(state, mode.Selector)
        select Diagnostic.Warning("matches-nothing", $"modes[{mode.Written}].selector", $"'{mode.Written}' chooses no workload today, so the mode does nothing.");

    private static IEnumerable<Diagnostic> Plans(PolicyState state) =>
        from plan in state.Policy.Plans
        where !ChoosesAny(state, plan.Selector)
        select Diagnostic.Warning("matches-nothing", $"plans[{plan.Written}].selector", $"'{plan.Written}' chooses no workload today; the plan binds those to come.");

    private static IEnumerable<Diagnostic> Expired(PolicyState state) =>
        from ruleset in state.Rulesets.Values
        from rule in ruleset.Source.Rules
        where rule.Expires <= state.Settings.Now
        select Diagnostic.Warning("expired", $"rulesets[{ruleset.Source.Name}].rules[id={rule.Id}].expires", "The rule has expired and does nothing since. Remove it, or give it a later expiry.");

    private static bool ChoosesAny(PolicyState state, Selector selector)
    {
        for (var labelSet = 0; labelSet < state.Lattice.LabelSetCount; labelSet++)
        {
            if (state.Inhabited(labelSet) is not null && selector.Matches(state.Lattice.LabelsOf(labelSet)))
            {
                return true;
            }
        }

        return false;
    }
}
