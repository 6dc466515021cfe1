using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Evaluate;

/// <summary>A decision whose direction, peer and port match, and whose condition on the host's own socket is met, or may be.</summary>
/// <param name="Action">The tier.</param>
/// <param name="Rule">The rule it comes from.</param>
/// <param name="Process">Must own the host's own socket, or null.</param>
/// <param name="Users">The host's own user must be in one of these groups; empty for any.</param>
/// <param name="UnidentifiedMatches">Whether a socket without known process or user meets the condition.</param>
/// <param name="Certain">Whether the condition is known to be met.</param>
internal readonly record struct Candidate(RuleAction Action, RuleId Rule, ProcessCondition? Process, EquatableArray<string> Users, bool UnidentifiedMatches, bool Certain)
{
    /// <summary>A candidate from an entry, or null if its condition is not met.</summary>
    public static Candidate? Of(HostEntry entry, SocketFacts socket) => socket.Meets(entry.Process, entry.Users, entry.UnidentifiedMatches) is var met && met != false
        ? new(entry.Action, entry.Rule, entry.Process, entry.Users, entry.UnidentifiedMatches, met == true)
        : null;

    /// <summary>The same from an entry of no host in particular.</summary>
    public static Candidate? Of(Entry entry, SocketFacts socket) => socket.Meets(entry.Process, entry.Users, entry.UnidentifiedMatches) is var met && met != false
        ? new(entry.Action, entry.Rule, entry.Process, entry.Users, entry.UnidentifiedMatches, met == true)
        : null;

    /// <summary>What it does to a connection.</summary>
    public Outcome Outcome => Action == RuleAction.Allow ? Outcome.Allow : Outcome.Block;
}

/// <summary>The order of decision, from override-deny to the mode's default, on candidates in the order in which they decide.</summary>
internal static class Decision
{
    /// <summary>A decision that rules have no part in.</summary>
    public static EndDecision Final(Direction direction, EnforcementMode mode, Outcome outcome, DecidedBy by) =>
        new(direction, mode, outcome, outcome, by, null, []);

    /// <summary>Decides by rules and the mode's default.</summary>
    public static EndDecision ByRules(Direction direction, EnforcementMode mode, List<Candidate> candidates, SocketFacts socket)
    {
        var inFull = Settle(candidates, socket, Outcome.Block);
        var outcome = mode switch
        {
            EnforcementMode.Visibility => Outcome.Allow,
            EnforcementMode.Selective => Settle(candidates, socket, Outcome.Allow),
            _ => inFull,
        };
        var certain = outcome == Outcome.Unknown || inFull == Outcome.Unknown ? 0 : Math.Max(candidates.FindIndex(c => c.Certain), 0);
        RuleId? rule = candidates.Count == 0 ? null : candidates[certain].Rule;
        return new(
            direction,
            mode,
            outcome,
            inFull,
            rule is null ? DecidedBy.Default : DecidedBy.Rule,
            rule,
            candidates.Select(c => c.Rule).Distinct().Where(id => id != rule).ToEquatableArray());
    }

    /// <summary>What a quarantine at this end or at the peer's says, or null if it is none of its business.</summary>
    /// <param name="quarantined">Whether the host is in quarantine.</param>
    /// <param name="peerQuarantined">Whether the peer is.</param>
    /// <param name="localResponds">Whether the host's address is a responder's.</param>
    /// <param name="peerResponds">Whether the peer's address is.</param>
    public static Outcome? ByQuarantine(bool quarantined, bool peerQuarantined, bool localResponds, bool peerResponds)
    {
        var cut = peerQuarantined && !localResponds;
        return quarantined ? (peerResponds && !cut ? Outcome.Allow : Outcome.Block) : cut ? Outcome.Block : null;
    }

    /// <summary>The outcome that all possibilities share: those of the uncertain candidates before the first certain one, and its own or the default's.</summary>
    private static Outcome Settle(List<Candidate> candidates, SocketFacts socket, Outcome otherwise)
    {
        Outcome? settled = null;
        foreach (var candidate in candidates)
        {
            if (settled is { } other && other != candidate.Outcome)
            {
                return Exactly(candidates, socket, otherwise);
            }

            settled = candidate.Outcome;
            if (candidate.Certain)
            {
                return candidate.Outcome;
            }
        }

        return settled is null || settled == otherwise ? otherwise : Exactly(candidates, socket, otherwise);
    }

    /// <summary>Conditions of different rules may exclude or imply each other, so what is possible is gone through socket by socket.</summary>
    private static Outcome Exactly(List<Candidate> candidates, SocketFacts socket, Outcome otherwise)
    {
        Outcome? shared = null;
        foreach (var possible in PossibleSockets.Of(socket, candidates))
        {
            var outcome = otherwise;
            foreach (var candidate in candidates)
            {
                if (possible.Meets(candidate.Process, candidate.Users, candidate.UnidentifiedMatches) == true)
                {
                    outcome = candidate.Outcome;
                    break;
                }
            }

            if (shared is { } other && other != outcome)
            {
                return Outcome.Unknown;
            }

            shared = outcome;
        }

        return shared ?? Outcome.Unknown;
    }
}
