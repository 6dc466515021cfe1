using Bulkhead.Enforcement.Marks;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Enforcement.State;

/// <summary>Whether an agent may take a policy.</summary>
public static class PolicyCheck
{
    /// <summary>Why a policy is refused, or null.</summary>
    /// <param name="current">The last policy taken, or null.</param>
    /// <param name="offered">The policy.</param>
    /// <param name="epochProven">Whether the CA's signature over its epoch holds.</param>
    /// <param name="supported">Names from <see cref="Features"/> that this host can decide.</param>
    /// <param name="markMask">The bits of socket marks that are ours.</param>
    public static Problem? Refuse(HostPolicy? current, HostPolicy offered, bool epochProven, EquatableArray<string> supported, uint markMask = MarkTable.DefaultMask)
    {
        ArgumentNullException.ThrowIfNull(offered);
        var generation = offered.Generation;
        if (generation == default)
        {
            return Refusal("generation-missing", "A policy without a generation was refused", "Upgrade the controller.");
        }

        if (generation.Epoch != current?.Generation.Epoch && !epochProven)
        {
            return Refusal(
                "epoch-unproven",
                $"Policy {generation} begins an epoch that the controller's CA has not signed",
                "Pair this host again if its controller was set up anew.");
        }

        if (current is not null && generation.CompareTo(current.Generation) < 0)
        {
            return Refusal(
                "generation-older",
                $"Policy {generation} is older than {current.Generation}, which this host has",
                "If the controller's database was restored from a backup, start a new epoch there.");
        }

        var missing = Lacks(offered, supported).ToArray();
        if (missing.Length > 0)
        {
            return Refusal(
                "feature-missing",
                $"Policy {generation} requires what this agent lacks: {string.Join(", ", missing)}",
                "Upgrade the agent, or take the rule's condition away.");
        }

        if (MarkTable.Owners(offered, []).Count > MarkTable.Capacity(markMask))
        {
            return Refusal(
                "too-many-executables",
                $"Policy {generation} names more executables than sockets can be marked with: {MarkTable.Capacity(markMask) - 2} at most",
                "Name fewer executables on this host, ask for units, or give the agent more bits by --mark-mask.");
        }

        if (current is not null && generation == current.Generation && offered != current)
        {
            return Refusal(
                "generation-reused",
                $"Policy {generation} differs from the one that this host has under the same generation",
                "Provision again, which makes a new generation.");
        }

        var sets = offered.PeerSets.Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        var incomplete = offered.Entries.Select(e => e.Peers).FirstOrDefault(name => !sets.Contains(name))
            ?? offered.PeerSets.FirstOrDefault(s => s.Packed.Digest != s.Digest)?.Name;
        return incomplete is null
            ? null
            : Refusal(
                "peer-set-incomplete",
                $"Policy {generation} came without all of peer set {incomplete}",
                "It is sent again when the agent reconnects; if it persists, upgrade the controller.");
    }

    /// <summary>
    /// A policy of before without what this host can no longer decide, and no wider: an allow that asks for it is left out, a deny is for
    /// every socket, and what was not tracked is.
    /// </summary>
    public static HostPolicy Decidable(HostPolicy policy, EquatableArray<string> supported)
    {
        return !Lacks(policy, supported).Any() ? policy : policy with
        {
            RequiredFeatures = policy.RequiredFeatures.Where(supported.Contains).ToEquatableArray(),
            Entries = policy.Entries
                .Select(entry => entry with { Stateless = entry.Stateless && supported.Contains(Features.Stateless) })
                .Select(entry => entry.Features.All(supported.Contains) ? entry
                    : entry.Action == RuleAction.Allow ? null
                    : entry with { Process = null, Users = [], UnidentifiedMatches = false })
                .OfType<HostEntry>()
                .ToEquatableArray(),
        };
    }

    /// <summary>What a policy requires, by its own word or its entries', and a host lacks; sorted.</summary>
    public static IEnumerable<string> Lacks(HostPolicy policy, EquatableArray<string> supported)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return policy.RequiredFeatures.Concat(policy.Entries.SelectMany(e => e.Features)).Where(f => !supported.Contains(f)).Distinct().Order(StringComparer.Ordinal);
    }

    private static Problem Refusal(string code, string message, string remedy) =>
        new(code, $"{message}. The last policy stays in force.", remedy);
}
