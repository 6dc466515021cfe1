using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Compile;

/// <summary>
/// Makes the next version of a compiled policy. A compile from scratch is the change from nothing, so there is one way only:
/// <code>
/// workloads, modes ─► populations ─► addresses under which groups are visible ─► peer sets ────┐
/// rules            ─► entries ─► groups that hold them, groups that they name ─► held entries ─┴─► state and delta
/// </code>
/// </summary>
internal static class PolicyChange
{
    /// <summary>The next version, and what hosts must be told.</summary>
    public static (PolicyState After, PolicyDelta Delta) Make(PolicyState before, PolicyModel policy, WorkloadIndex workloads, CompileSettings settings)
    {
        var groups = before.Groups.Change();
        var held = before.Held.Change();
        var people = new PopulationChange(before, policy, workloads);
        people.MoveWorkloads();
        people.AssignModes();
        foreach (var labelSet in people.Entered)
        {
            held[labelSet] = new();
        }

        var rules = new RulesetChange(before, policy, settings, people.Populations, groups);
        rules.Enter(people.Entered);
        var rulesets = rules.DiffRulesets();

        var sets = new PeerSetChanges(before);
        sets.Move(groups, people.Moves);
        sets.Remode(groups, people, workloads);
        sets.Settle(groups);

        var entries = new GroupChange(before, rules.Added, rules.Dropped, workloads, people.Populations, groups, held);
        var networks = entries.Hand(rules.Named);
        var after = new PolicyState
        {
            Lattice = before.Lattice,
            Policy = policy,
            Workloads = workloads,
            Settings = settings,
            Populations = people.Populations.Done(),
            Groups = groups.Done(),
            Held = held.Done(),
            NextExpiry = ReferenceEquals(rulesets, before.Rulesets) && settings.Now >= before.Settings.Now && !(before.NextExpiry <= settings.Now)
                ? before.NextExpiry
                : rulesets.Values.SelectMany(ruleset => ruleset.Expiries).Where(expiry => expiry > settings.Now).Cast<DateTimeOffset?>().Min(),
            Networks = networks,
            Rulesets = rulesets,
            Quarantined = people.Quarantined,
            Enforcing = entries.Enforcing.ToImmutable(),
        };
        int[] changed = [.. rules.Added.Concat(rules.Dropped).Select(entry => entry.Subject.Id).Distinct()];
        return (after, new(before, after, sets.Done(after), people.Moved, people.Removed, [.. people.Remoded], changed));
    }
}
