using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>
/// Judges connections at one host as its kernel does: quarantine, essential, override-deny, allow, deny, default. Three-valued: a condition
/// on what is not known may or may not be met, and the outcome is the one that all possibilities share, or unknown.
/// </summary>
public sealed class HostEvaluator
{
    private readonly Dictionary<string, PeerMembership> _peers;
    private readonly PeerMembership _quarantinedPeers;
    private readonly PeerMembership _responders;
    private readonly HostEntry[] _inbound;
    private readonly HostEntry[] _outbound;

    /// <summary>Indexes a host policy.</summary>
    public HostEvaluator(HostPolicy policy)
        : this(policy, static set => new(set.Members))
    {
    }

    /// <summary>Indexes a host policy, whose peer sets others may have indexed already.</summary>
    internal HostEvaluator(HostPolicy policy, Func<PeerSet, PeerMembership> membership)
    {
        Policy = policy;
        _peers = policy.PeerSets.ToDictionary(set => set.Name, membership, StringComparer.Ordinal);
        _quarantinedPeers = new(policy.QuarantinedPeers);
        _responders = new(policy.Responders);
        _inbound = [.. policy.Entries.Where(e => e.Direction == Direction.Inbound).OrderBy(e => e.Action).ThenBy(e => e.Rule)];
        _outbound = [.. policy.Entries.Where(e => e.Direction == Direction.Outbound).OrderBy(e => e.Action).ThenBy(e => e.Rule)];
    }

    /// <summary>What is judged by.</summary>
    public HostPolicy Policy { get; }

    /// <summary>Judges a new connection.</summary>
    /// <param name="direction">Whether the host is the provider or the consumer.</param>
    /// <param name="local">The host's own address.</param>
    /// <param name="peer">The other end's.</param>
    /// <param name="protocol">IP protocol number.</param>
    /// <param name="port">The provider's port, or the ICMP type; 0 for other protocols.</param>
    /// <param name="socket">The host's own socket.</param>
    public EndDecision Decide(Direction direction, IpAddress local, IpAddress peer, byte protocol, ushort port, SocketFacts socket)
    {
        var mode = Policy.Modes[direction];
        if (Essential.Always(direction, local, peer, protocol, port) || Essential.Controller(Policy, direction, peer, protocol, port))
        {
            return Final(direction, mode, Outcome.Allow, DecidedBy.Essential);
        }

        if (Policy.Quarantined || _quarantinedPeers.Contains(peer))
        {
            var responder = Policy.Quarantined && !_quarantinedPeers.Contains(peer) && _responders.Contains(peer);
            return Final(direction, mode, responder ? Outcome.Allow : Outcome.Block, DecidedBy.Quarantine);
        }

        return Essential.FailSafe(Policy, direction, peer, protocol, port)
            ? Final(direction, mode, Outcome.Allow, DecidedBy.Essential)
            : ByRules(direction, mode, Matching(direction, peer, protocol, port, socket));
    }

    private static EndDecision Final(Direction direction, EnforcementMode mode, Outcome outcome, DecidedBy by) =>
        new(direction, mode, outcome, outcome, by, null, []);

    /// <summary>The entries that match, or may match (not certain), in the order in which they decide.</summary>
    private List<(HostEntry Entry, bool Certain)> Matching(Direction direction, IpAddress peer, byte protocol, ushort port, SocketFacts socket)
    {
        var matching = new List<(HostEntry, bool)>();
        foreach (var entry in direction == Direction.Inbound ? _inbound : _outbound)
        {
            if (Covers(entry, peer, protocol, port) && socket.Meets(entry.Process, entry.Users, entry.UnidentifiedMatches) is var met && met != false)
            {
                matching.Add((entry, met == true));
            }
        }

        return matching;
    }

    private static EndDecision ByRules(Direction direction, EnforcementMode mode, List<(HostEntry Entry, bool Certain)> matching)
    {
        var inFull = Settle(matching, Outcome.Block);
        var outcome = mode switch
        {
            EnforcementMode.Visibility => Outcome.Allow,
            EnforcementMode.Selective => Settle(matching, Outcome.Allow),
            _ => inFull,
        };
        var certain = matching.FindIndex(m => m.Certain);
        RuleId? rule = matching.Count == 0 ? null : matching[Math.Max(certain, 0)].Entry.Rule;
        return new(
            direction,
            mode,
            outcome,
            inFull,
            rule is null ? DecidedBy.Default : DecidedBy.Rule,
            rule,
            matching.Select(m => m.Entry.Rule).Distinct().Where(id => id != rule).ToEquatableArray());
    }

    /// <summary>The outcome that all possibilities share: those of the uncertain matches before the first certain one, and its own or the default's.</summary>
    private static Outcome Settle(List<(HostEntry Entry, bool Certain)> matching, Outcome otherwise)
    {
        Outcome? settled = null;
        foreach (var (entry, certain) in matching)
        {
            var outcome = entry.Action == RuleAction.Allow ? Outcome.Allow : Outcome.Block;
            if (settled is { } other && other != outcome)
            {
                return Outcome.Unknown;
            }

            settled = outcome;
            if (certain)
            {
                return outcome;
            }
        }

        return settled is null || settled == otherwise ? otherwise : Outcome.Unknown;
    }

    private bool Covers(HostEntry entry, IpAddress peer, byte protocol, ushort port)
    {
        foreach (var match in entry.Ports)
        {
            if (match.Matches(protocol, port))
            {
                return _peers[entry.Peers].Contains(peer);
            }
        }

        return false;
    }
}
