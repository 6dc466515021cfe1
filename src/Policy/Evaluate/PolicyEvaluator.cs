using System.Collections.Concurrent;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>
/// Judges connections at both ends by the very entries of which host policies are made, so that analysis and enforcement cannot disagree;
/// which workloads hold an address decides where a host would look it up in a peer set. Safe for use by many threads.
/// </summary>
public sealed class PolicyEvaluator
{
    private readonly PolicyState _state;
    private readonly HostPolicy _common;
    private readonly PeerMembership _responders;
    private readonly ConcurrentDictionary<AddressSpace, PeerMembership> _quarantined = new();
    private readonly ConcurrentDictionary<string, PeerMembership> _networks = new(StringComparer.Ordinal);
    private readonly Lazy<Seats> _seats;

    /// <summary>Judges by a compiled policy.</summary>
    public PolicyEvaluator(CompiledPolicy compiled)
    {
        Compiled = compiled;
        _state = compiled.State;
        _common = HostPolicies.Common(_state);
        _responders = new(_common.Responders);
        _seats = new(() => new(_state));
    }

    /// <summary>What is judged by.</summary>
    public CompiledPolicy Compiled { get; }

    /// <summary>All workloads as judging sees them.</summary>
    internal Seats Seats => _seats.Value;

    /// <summary>The evaluator of a managed workload's host policy, which judges as the host does; null if it is not managed.</summary>
    public HostEvaluator? Host(WorkloadId id) => Compiled.Hosts.TryGetValue(id, out var policy) ? new(policy) : null;

    /// <summary>Judges a connection at its managed ends and combines what they decide.</summary>
    public Verdict Judge(Connection connection)
    {
        var (source, destination) = (Find(connection.Space, connection.Source), Find(connection.Space, connection.Destination));
        return Verdict.Combine(
            source is { Workload.Managed: true } ? Decide(new(this, source, destination, Direction.Outbound, connection)) : null,
            destination is { Workload.Managed: true } ? Decide(new(this, destination, source, Direction.Inbound, connection)) : null);
    }

    /// <summary>Judges many connections, on all processors; what an <see cref="EdgeVerdict"/> says is what <see cref="Judge"/> does.</summary>
    public EdgeVerdict[] JudgeAll(IReadOnlyList<Connection> connections) => JudgeAll(connections, this)[0];

    /// <summary>Judges many connections under several policies for the same workloads; the outer index is the policy's.</summary>
    /// <exception cref="ArgumentException">The policies are not for the same <see cref="WorkloadIndex"/>, or there is none.</exception>
    public static EdgeVerdict[][] JudgeAll(IReadOnlyList<Connection> connections, params PolicyEvaluator[] evaluators) =>
        new BulkJudge(connections, evaluators).Judge();

    /// <summary>The entries of a host that cover the peer in one direction, whatever their ports and conditions, in the order in which they decide.</summary>
    internal IEnumerable<Entry> Covering(Workload host, Direction direction, Connection connection)
    {
        var end = new End(this, new(_state, host), Find(connection.Space, direction == Direction.Inbound ? connection.Source : connection.Destination), direction, connection);
        return end.All.Where(entry => entry.Direction == direction && Covers(entry, end)).ToList();
    }

    /// <summary>The admitted workload that holds an address, or null.</summary>
    internal Workload? Holder(AddressSpace space, IpAddress address) => _state.Workloads.Holder(new(space, address));

    private Seat? Find(AddressSpace space, IpAddress address) => Holder(space, address) is { } workload ? new(_state, workload) : null;

    private EndDecision Decide(in End end)
    {
        if (BeforeRules(end) is { } before)
        {
            return Decision.Final(end.Direction, end.Mode, before.Outcome, before.By);
        }

        var candidates = new List<Candidate>();
        foreach (var entry in end.Entries())
        {
            if (Covers(entry, end) && Candidate.Of(entry, end.Socket) is { } candidate)
            {
                candidates.Add(candidate);
            }
        }

        return Decision.ByRules(end.Direction, end.Mode, candidates, end.Socket);
    }

    /// <summary>What one end decides, in brief.</summary>
    internal EndVerdict Quickly(Seat own, Seat? other, Direction direction, Connection connection) =>
        Quickly(new End(this, own, other, direction, connection));

    /// <summary>The first certain match decides; only where something uncertain comes before it is the whole list gone through.</summary>
    private EndVerdict Quickly(in End end)
    {
        if (BeforeRules(end) is { } before)
        {
            return new(end.Mode, before.Outcome, before.Outcome, before.By, null);
        }

        foreach (var entry in end.Entries())
        {
            if (!Covers(entry, end))
            {
                continue;
            }

            switch (end.Socket.Meets(entry.Process, entry.Users, entry.UnidentifiedMatches))
            {
                case true:
                    var outcome = entry.Action == RuleAction.Allow ? Outcome.Allow : Outcome.Block;
                    return new(end.Mode, end.Mode == EnforcementMode.Visibility ? Outcome.Allow : outcome, outcome, DecidedBy.Rule, entry.Rule);
                case null:
                    var decision = Decide(end);
                    return new(decision.Mode, decision.Outcome, decision.InFull, decision.By, decision.Rule);
            }
        }

        return new(end.Mode, end.Mode == EnforcementMode.Full ? Outcome.Block : Outcome.Allow, Outcome.Block, DecidedBy.Default, null);
    }

    private (Outcome Outcome, DecidedBy By)? BeforeRules(in End end)
    {
        var (local, peer, protocol, port) = (end.Local, end.Peer, end.Connection.Protocol, end.Connection.Port);
        if (ReferenceEquals(end.Host, end.Other?.Workload) || Essential.Always(end.Direction, local, peer, protocol, port) || Essential.Controller(_common, end.Direction, peer, protocol, port))
        {
            return (Outcome.Allow, DecidedBy.Essential);
        }

        if (!_state.Quarantined.IsEmpty
            && Decision.ByQuarantine(end.Own.Key.Quarantined, Quarantined(end), _responders.Contains(local), _responders.Contains(peer)) is { } outcome)
        {
            return (outcome, DecidedBy.Quarantine);
        }

        return Essential.FailSafe(_common, end.Direction, peer, protocol, port) ? (Outcome.Allow, DecidedBy.Essential) : null;
    }

    private bool Quarantined(in End end) => _quarantined.GetOrAdd(end.Own.Key.Space, (space, state) => new(state.QuarantinedIn(space)), _state).Contains(end.Peer);

    private bool Covers(Entry entry, in End end)
    {
        if ((end.Own.Key.Features & entry.Needs) != entry.Needs)
        {
            return false;
        }

        return entry.Peer.Group is not { } group
            ? _networks.GetOrAdd(entry.Peer.Network!, (name, state) => new(state.Networks[name].Network.Prefixes), _state).Contains(end.Peer)
            : end.Other is { } other && group.Matches(other.Kind.Labels) && (entry.Peer.Variant == PeerVariant.All || other.IsIn(entry.Peer.Variant));
    }

    /// <summary>One end of a connection, at a managed workload.</summary>
    private readonly struct End
    {
        public End(PolicyEvaluator evaluator, Seat own, Seat? other, Direction direction, Connection connection)
        {
            (Own, Direction, Connection) = (own, direction, connection);
            // A host finds its peer by the address that it sees in its own space.
            Other = own.Key.Space == connection.Space ? other : evaluator.Find(own.Key.Space, Peer);
            Mode = own.Modes[direction];
        }

        public Seat Own { get; }

        /// <summary>The admitted workload at the other end, or null.</summary>
        public Seat? Other { get; }

        public Workload Host => Own.Workload;

        public Direction Direction { get; }

        public Connection Connection { get; }

        public EnforcementMode Mode { get; }

        public IpAddress Local => Direction == Direction.Inbound ? Connection.Destination : Connection.Source;

        public IpAddress Peer => Direction == Direction.Inbound ? Connection.Source : Connection.Destination;

        public SocketFacts Socket => Direction == Direction.Inbound ? Connection.Provider : Connection.Consumer;

        public Entry[] All => Own.Kind.Entries.All;

        public EntryLookup.Matches Entries() => Own.Kind.Entries.ByPort.Find(Direction, Connection.Protocol, Connection.Port, Other?.Kind.Labels);
    }
}
