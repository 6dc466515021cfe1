using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

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
    private readonly bool _hasStateless;

    /// <summary>Indexes a host policy.</summary>
    public HostEvaluator(HostPolicy policy)
        : this(policy, static set => new(set.Packed))
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
        _hasStateless = policy.Entries.Any(e => e.Stateless);
        GivesHelpers = policy.Entries.Any(e => e.Helper is not null);
    }

    /// <summary>What is judged by.</summary>
    public HostPolicy Policy { get; }

    /// <summary>Whether any rule gives a helper.</summary>
    public bool GivesHelpers { get; }

    /// <summary>Judges a new connection.</summary>
    /// <param name="direction">Whether the host is the provider or the consumer.</param>
    /// <param name="local">The host's own address.</param>
    /// <param name="peer">The other end's.</param>
    /// <param name="protocol">IP protocol number.</param>
    /// <param name="port">The provider's port, or the ICMP type; 0 for other protocols.</param>
    /// <param name="socket">The host's own socket.</param>
    public EndDecision Decide(Direction direction, IpAddress local, IpAddress peer, byte protocol, ushort port, SocketFacts socket) =>
        Judge(direction, local, peer, protocol, port, socket, null);

    /// <summary>
    /// Judges a new connection that a helper expects, because the ends of one that the policy gave it to agreed upon it there: besides as any other, it is
    /// allowed by each rule that names the helper and means the peer, in whichever direction.
    /// </summary>
    public EndDecision DecideExpected(ConnectionHelper helper, Direction direction, IpAddress local, IpAddress peer, byte protocol, ushort port, SocketFacts socket) =>
        Judge(direction, local, peer, protocol, port, socket, helper);

    /// <summary>The helper that a connection is given: that of the first allow that has one; null where none has, something else decides, or the direction enforces nothing.</summary>
    public ConnectionHelper? HelperOf(Direction direction, IpAddress local, IpAddress peer, byte protocol, ushort port, SocketFacts socket) =>
        GivesHelpers && Policy.Modes[direction] != EnforcementMode.Visibility && Decide(direction, local, peer, protocol, port, socket) is { By: DecidedBy.Rule, InFull: not Outcome.Block }
            ? Entries(direction).FirstOrDefault(entry => entry.Helper is not null && Covers(entry, peer, protocol, port))?.Helper
            : null;

    private EndDecision Judge(Direction direction, IpAddress local, IpAddress peer, byte protocol, ushort port, SocketFacts socket, ConnectionHelper? expectedBy)
    {
        var mode = Policy.Modes[direction];
        if (Essential.Always(direction, local, peer, protocol, port) || Essential.Controller(Policy, direction, peer, protocol, port))
        {
            return Decision.Final(direction, mode, Outcome.Allow, DecidedBy.Essential);
        }

        if (Decision.ByQuarantine(Policy.Quarantined, _quarantinedPeers.Contains(peer), _responders.Contains(local), _responders.Contains(peer)) is { } outcome)
        {
            return Decision.Final(direction, mode, outcome, DecidedBy.Quarantine);
        }

        return Essential.FailSafe(Policy, direction, peer, protocol, port)
            ? Decision.Final(direction, mode, Outcome.Allow, DecidedBy.Essential)
            : Decision.ByRules(direction, mode, Candidates(direction, peer, protocol, port, socket, expectedBy), socket);
    }

    /// <summary>
    /// Whether a connection's packets, replies included, pass here untracked: where the direction enforces, a stateless allow covers it, and
    /// nothing that comes before allows does. Its requests are then judged one by one, as <see cref="Decide"/> says; its replies pass.
    /// </summary>
    /// <param name="direction">Whether the host is the provider or the consumer.</param>
    /// <param name="peer">The other end's address.</param>
    /// <param name="protocol">IP protocol number.</param>
    /// <param name="port">The provider's port.</param>
    /// <param name="client">The consumer's port.</param>
    public bool IsUntracked(Direction direction, IpAddress peer, byte protocol, ushort port, ushort client) =>
        _hasStateless && !Policy.Quarantined && Policy.Modes[direction] != EnforcementMode.Visibility && StatelessPorts.IncludesClient(protocol, client)
        && Entries(direction).FirstOrDefault(entry => (entry.Stateless || entry.Action == RuleAction.OverrideDeny) && Covers(entry, peer, protocol, port)) is { Stateless: true }
        && !_quarantinedPeers.Contains(peer);

    /// <summary>Whether another policy may track what is untracked under this one.</summary>
    public bool MayTrackAgain(HostPolicy next) => _hasStateless && (next.Quarantined || next.Modes != Policy.Modes || next.QuarantinedPeers != Policy.QuarantinedPeers
        || !Untracking(Policy).SequenceEqual(Untracking(next)));

    private static IEnumerable<(HostEntry, ulong)> Untracking(HostPolicy policy)
    {
        var digests = policy.PeerSets.ToDictionary(set => set.Name, set => set.Digest, StringComparer.Ordinal);
        return policy.Entries.Where(entry => entry.Stateless || entry.Action == RuleAction.OverrideDeny).Select(entry => (entry, digests[entry.Peers]));
    }

    private List<Candidate> Candidates(Direction direction, IpAddress peer, byte protocol, ushort port, SocketFacts socket, ConnectionHelper? expectedBy)
    {
        var candidates = new List<Candidate>();
        foreach (var entry in Entries(direction))
        {
            if (Covers(entry, peer, protocol, port) && Candidate.Of(entry, socket) is { } candidate)
            {
                candidates.Add(candidate);
            }
        }

        return expectedBy is null ? candidates : [.. candidates.Concat(Expecting(expectedBy, peer, protocol, port)).OrderBy(c => c.Action).ThenBy(c => c.Rule)];
    }

    private IEnumerable<Candidate> Expecting(ConnectionHelper helper, IpAddress peer, byte protocol, ushort port) => !helper.Expecting(protocol, port)
        ? []
        : _inbound.Concat(_outbound).Where(entry => entry.Helper == helper && _peers[entry.Peers].Contains(peer))
            .Select(entry => new Candidate(entry.Action, entry.Rule, null, [], false, Certain: true));

    private HostEntry[] Entries(Direction direction) => direction == Direction.Inbound ? _inbound : _outbound;

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

/// <summary>Judges connections at a host while a revision lands there: all policies in force must allow.</summary>
public sealed class PhaseEvaluator(HostPhase phase)
{
    private readonly HostEvaluator _policy = new(phase.Policy);
    private readonly HostEvaluator? _also = phase.Also is null ? null : new(phase.Also);

    /// <summary>Judges a new connection; see <see cref="HostEvaluator.Decide"/>. The decision is that of the policy that blocks.</summary>
    public EndDecision Decide(Direction direction, IpAddress local, IpAddress peer, byte protocol, ushort port, SocketFacts socket)
    {
        var decision = _policy.Decide(direction, local, peer, protocol, port, socket);
        var also = _also?.Decide(direction, local, peer, protocol, port, socket);
        return also is null || Strictness(decision) >= Strictness(also) ? decision : also;
    }

    private static int Strictness(EndDecision decision) => decision.Outcome switch { Outcome.Block => 2, Outcome.Unknown => 1, _ => 0 };
}
