using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Controller.Workloads;

/// <summary>
/// Labels are live: an edit of them can change what enforcing hosts do, as provisioning does. So that takes the permission to provision, too; else
/// whoever may only draft could open or close by labels what others have to approve.
/// </summary>
public static class LiveEffect
{
    /// <summary>Names of hosts whose policy an edit changes and that block something before or after.</summary>
    public static IReadOnlyList<string> EnforcingHosts(LiveSnapshot before, LiveSnapshot after) =>
        [.. after.Enforced.Hosts
            .Where(pair => before.Enforced.Hosts.TryGetValue(pair.Key, out var held) && !held.EnforcesSameAs(pair.Value) && (Enforces(held.Modes) || Enforces(pair.Value.Modes)))
            .Select(pair => after.Entries[pair.Key].Workload.Name)
            .Order(StringComparer.Ordinal)];

    /// <summary>The refusal of an edit that changes what hosts enforce, by one who may not provision for the workloads that are edited; else null.</summary>
    /// <param name="caller">Who edits.</param>
    /// <param name="hosts">Those of <see cref="EnforcingHosts"/>.</param>
    /// <param name="edited">Labels of the edited workloads, before and after.</param>
    /// <param name="labelKeys">The label keys that exist.</param>
    public static Problem? Refuse(Caller caller, IReadOnlyList<string> hosts, IEnumerable<LabelSet> edited, IReadOnlySet<string> labelKeys)
    {
        var reach = Reach.Of(caller, Permission.Provision, labelKeys);
        return hosts.Count == 0 || edited.All(reach.Covers)
            ? null
            : RefusalAnswers.NotPermitted(caller, Permission.Provision) with { Title = $"{caller.Name} may label, but not change what hosts enforce; this would, on {hosts.Count} of them, such as {hosts[0]}." };
    }

    private static bool Enforces(Modes modes) => modes != default;
}
