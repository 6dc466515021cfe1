using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Controller.Policies;

/// <summary>
/// Holds changes of policy against the scope of who makes them. A ruleset lies within it if all its scopes do, since each connection that a rule is about
/// has an end in one of them; so does a mode by its selector. All else (services, networks, label groups, the fail-safe list, plans, assertions) may
/// matter to any workload, and takes a grant without a scope.
/// </summary>
public static class PolicyBounds
{
    /// <summary>The refusal of changes that lie beyond; null if none does.</summary>
    /// <param name="reach">How far the caller's permission goes.</param>
    /// <param name="before">What was there.</param>
    /// <param name="parsedBefore">The same checked; null if it has problems, and then only who goes everywhere may change it.</param>
    /// <param name="after">What is to be there.</param>
    /// <param name="parsedAfter">The same checked.</param>
    public static Problem? Refuse(Reach reach, PolicyDocument before, PolicyModel? parsedBefore, PolicyDocument after, PolicyModel parsedAfter)
    {
        if (reach.IsUnbounded)
        {
            return null;
        }

        var changes = PolicyDiff.Diff(before, after);
        return parsedBefore is null && changes.Count > 0
            ? reach.Refuse(["a policy with problems"])
            : reach.Refuse([.. changes.SelectMany(change => Beyond(reach, change, parsedBefore!, parsedAfter))]);
    }

    private static IEnumerable<string> Beyond(Reach reach, ObjectChange change, PolicyModel before, PolicyModel after) => change.Kind switch
    {
        "ruleset" => before.Rulesets.Concat(after.Rulesets).Where(ruleset => ruleset.Name == change.Name).All(ruleset => ruleset.Scopes.All(scope => reach.Covers(scope.Selector)))
            ? []
            : [$"ruleset {change.Name}"],
        "modes" => before.Modes.Except(after.Modes).Concat(after.Modes.Except(before.Modes))
            .Select(mode => mode.Selector).Distinct().Where(selector => !reach.Covers(selector)).Select(selector => $"the mode of {selector}"),
        var kind => [change.Name.Length == 0 ? kind : $"{kind} {change.Name}"],
    };
}
