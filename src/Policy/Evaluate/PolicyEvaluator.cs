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
public sealed partial class PolicyEvaluator
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
        if (IsTranslated(connection))
        {
            return Verdict.Combine(Told(Direction.Outbound, connection).Decision, Told(Direction.Inbound, connection).Decision);
        }

        var (source, destination) = (Holder(connection.Space, connection.Source), Holder(connection.Space, connection.Destination));
        return Verdict.Combine(
            source is { Managed: true } ? Decide(EndAt(source, Direction.Outbound, connection)) : null,
            destination is { Managed: true } ? Decide(EndAt(destination, Direction.Inbound, connection)) : null);
    }

    /// <summary>Judges many connections, on all processors; what an <see cref="EdgeVerdict"/> says is what <see cref="Judge(Connection)"/> does.</summary>
    public EdgeVerdict[] JudgeAll(IReadOnlyList<Connection> connections) => JudgeAll(connections, this)[0];

    /// <summary>Judges many connections under several policies for the same workloads; the outer index is the policy's.</summary>
    /// <exception cref="ArgumentException">The policies are not for the same <see cref="WorkloadIndex"/>, or there is none.</exception>
    public static EdgeVerdict[][] JudgeAll(IReadOnlyList<Connection> connections, params PolicyEvaluator[] evaluators)
    {
        var verdicts = new BulkJudge(connections, evaluators).Judge();
        if (!evaluators[0]._state.Workloads.Translations.IsEmpty)
        {
            TranslatedEdges.Judge(connections, evaluators, verdicts);
        }

        return verdicts;
    }

    /// <summary>The admitted workload that holds an address, or null.</summary>
    private Workload? Holder(AddressSpace space, IpAddress address) => _state.Workloads.Holder(new(space, address));

    /// <summary>The end of a connection at a managed workload, which finds its peer by the address that it sees in its own space.</summary>
    private End EndAt(Workload host, Direction direction, Connection connection)
    {
        var (local, peer) = direction == Direction.Inbound ? (connection.Destination, connection.Source) : (connection.Source, connection.Destination);
        var other = Holder(host.Space, peer);
        return new(Seat.Of(_state, host), other is null ? default : Seat.Of(_state, other), direction, connection)
        {
            Protocol = connection.Protocol,
            Port = connection.Port,
            IsAlwaysAllowed = ReferenceEquals(host, other) || Essential.Always(direction, local, peer, connection.Protocol, connection.Port),
        };
    }

    /// <summary>What the end at a managed workload decides, in brief.</summary>
    internal EndVerdict Quickly(Workload host, Direction direction, Connection connection) => Quickly(EndAt(host, direction, connection));

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

    /// <summary>What one end decides, in brief. The first certain match decides; only where something uncertain comes before it is the whole list gone through.</summary>
    internal EndVerdict Quickly(in End end)
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
        var asksForPeer = Essential.AsksForPeer(_common, end.Direction, end.Protocol, end.Port);
        if (end.IsAlwaysAllowed || (asksForPeer && Essential.Controller(_common, end.Direction, end.Peer, end.Protocol, end.Port)))
        {
            return (Outcome.Allow, DecidedBy.Essential);
        }

        if (!_state.Quarantined.IsEmpty
            && Decision.ByQuarantine(end.Own.Standing.Key.Quarantined, Quarantined(end), _responders.Contains(end.Local), _responders.Contains(end.Peer)) is { } outcome)
        {
            return (outcome, DecidedBy.Quarantine);
        }

        return asksForPeer && Essential.FailSafe(_common, end.Direction, end.Peer, end.Protocol, end.Port) ? (Outcome.Allow, DecidedBy.Essential) : null;
    }

    private bool Quarantined(in End end) => _quarantined.GetOrAdd(end.Own.Standing.Key.Space, (space, state) => new(state.QuarantinedIn(space)), _state).Contains(end.Peer);

    private bool InNetwork(string network, IpAddress address) =>
        _networks.GetOrAdd(network, (name, state) => new(state.Networks[name].Network.Prefixes), _state).Contains(address);

    private bool Covers(Entry entry, in End end)
    {
        if (!entry.IsHeldWith(end.Own.Standing.Key.Features))
        {
            return false;
        }

        return entry.Peer.Group is not { } group
            ? InNetwork(entry.Peer.Network!, end.Peer)
            : end.Other.IsTaken && group.Matches(end.Other.Labels) && (entry.Peer.Variant == PeerVariant.All || end.Other.Standing.IsIn(entry.Peer.Variant));
    }

    /// <summary>One end of a connection, at a managed workload. The connection itself is looked at only where ports do not decide.</summary>
    internal readonly struct End(Seat own, Seat other, Direction direction, Connection connection)
    {
        public Seat Own { get; } = own;

        /// <summary>The admitted workload at the other end, if there is one.</summary>
        public Seat Other { get; } = other;

        public Direction Direction { get; } = direction;

        /// <summary>Of the connection.</summary>
        public required byte Protocol { get; init; }

        /// <summary>Of the connection.</summary>
        public required ushort Port { get; init; }

        /// <summary>Whether both ends are one workload, or the connection is essential whatever the policy says.</summary>
        public required bool IsAlwaysAllowed { get; init; }

        public EnforcementMode Mode => Own.Standing.Modes[Direction];

        public IpAddress Local => Direction == Direction.Inbound ? connection.Destination : connection.Source;

        public IpAddress Peer => Direction == Direction.Inbound ? connection.Source : connection.Destination;

        public SocketFacts Socket => Direction == Direction.Inbound ? connection.Provider : connection.Consumer;

        public EntryLookup.Matches Entries() => Own.Kind.Entries.ByPort.Find(Direction, Protocol, Port, Other.Labels);
    }
}
