using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Enforcement.State;

/// <summary>
/// The way back from rules that cut the host's own channel to its controller: the rules before them, with today's addresses. What must never
/// be undone is taken from the newer policy: quarantine, who is in quarantine, and override-deny.
/// </summary>
public static class RollBack
{
    /// <summary>Whether two policies differ at most in addresses and quarantine, so that what is known of one's rules holds for the other's.</summary>
    public static bool HaveSameRules(HostPolicy a, HostPolicy b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        return a.Modes == b.Modes && a.Entries == b.Entries && a.FailSafe == b.FailSafe && a.Controllers == b.Controllers;
    }

    /// <summary>
    /// What is enforced after a roll-back. It carries the earlier policy's generation, whose rules it has. A set of addresses that the newer policy
    /// no longer has keeps the members that it had when it was replaced.
    /// </summary>
    /// <param name="proven">The policy under which the channel worked.</param>
    /// <param name="desired">The policy that cut it.</param>
    public static HostPolicy Merge(HostPolicy proven, HostPolicy desired)
    {
        ArgumentNullException.ThrowIfNull(proven);
        ArgumentNullException.ThrowIfNull(desired);
        var entries = proven.Entries
            .Concat(desired.Entries.Where(entry => entry.Action == RuleAction.OverrideDeny && !proven.Entries.Contains(entry)))
            .OrderBy(entry => entry.Direction).ThenBy(entry => entry.Action).ThenBy(entry => entry.Rule)
            .ToEquatableArray();
        var named = entries.Select(entry => entry.Peers).ToHashSet(StringComparer.Ordinal);
        return desired with
        {
            Generation = proven.Generation,
            RequiredFeatures = proven.RequiredFeatures.Union(desired.RequiredFeatures, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToEquatableArray(),
            Modes = proven.Modes,
            Controllers = proven.Controllers.Union(desired.Controllers).Order().ToEquatableArray(),
            FailSafe = proven.FailSafe.Union(desired.FailSafe).ToEquatableArray(),
            Entries = entries,
            PeerSets = desired.PeerSets.Concat(proven.PeerSets).Where(set => named.Contains(set.Name))
                .DistinctBy(set => set.Name, StringComparer.Ordinal).OrderBy(set => set.Name, StringComparer.Ordinal).ToEquatableArray(),
        };
    }
}
