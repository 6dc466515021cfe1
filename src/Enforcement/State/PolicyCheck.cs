using Bulkhead.Policy.Compile;

namespace Bulkhead.Enforcement.State;

/// <summary>Whether an agent may take a policy.</summary>
public static class PolicyCheck
{
    /// <summary>What this agent can decide; reported to the controller. Sorted.</summary>
    public static IReadOnlyList<string> Supported { get; } = [Features.Base];

    /// <summary>Why a policy is refused, or null.</summary>
    /// <param name="current">The last policy taken, or null.</param>
    /// <param name="offered">The policy.</param>
    /// <param name="epochProven">Whether the CA's signature over its epoch holds.</param>
    public static Problem? Refuse(HostPolicy? current, HostPolicy offered, bool epochProven)
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

        if (current is not null && generation == current.Generation && offered != current)
        {
            return Refusal(
                "generation-reused",
                $"Policy {generation} differs from the one that this host has under the same generation",
                "Provision again, which makes a new generation.");
        }

        var missing = offered.RequiredFeatures.Except(Supported, StringComparer.Ordinal).ToArray();
        if (missing.Length > 0 || offered.Entries.Any(e => e.HasSocketCondition))
        {
            return Refusal(
                "feature-missing",
                $"Policy {generation} requires what this agent lacks: {(missing.Length > 0 ? string.Join(", ", missing) : "process or user conditions")}",
                "Upgrade the agent, or take the rule's condition away.");
        }

        var sets = offered.PeerSets.Select(s => s.Name).ToHashSet(StringComparer.Ordinal);
        var incomplete = offered.Entries.Select(e => e.Peers).FirstOrDefault(name => !sets.Contains(name))
            ?? offered.PeerSets.FirstOrDefault(s => PeerSetDigest.Of(s.Members) != s.Digest)?.Name;
        return incomplete is null
            ? null
            : Refusal(
                "peer-set-incomplete",
                $"Policy {generation} came without all of peer set {incomplete}",
                "It is sent again when the agent reconnects; if it persists, upgrade the controller.");
    }

    private static Problem Refusal(string code, string message, string remedy) =>
        new(code, $"{message}. The last policy stays in force.", remedy);
}
