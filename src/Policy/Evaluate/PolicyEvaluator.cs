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

    /// <summary>Judges by a compiled policy.</summary>
    public PolicyEvaluator(CompiledPolicy compiled)
    {
        Compiled = compiled;
        _state = compiled.State;
        _common = HostPolicies.Common(_state);
        _responders = new(_common.Responders);
    }

    /// <summary>What is judged by.</summary>
    public CompiledPolicy Compiled { get; }

    /// <summary>The evaluator of a managed workload's host policy, which judges as the host does; null if it is not managed.</summary>
    public HostEvaluator? Host(WorkloadId id) => Compiled.Hosts.TryGetValue(id, out var policy) ? new(policy) : null;

    /// <summary>Judges a connection at its managed ends and combines what they decide.</summary>
    public Verdict Judge(Connection connection)
    {
        var (source, destination) = (Holder(connection.Space, connection.Source), Holder(connection.Space, connection.Destination));
        return Verdict.Combine(
            source is { Managed: true } ? Decide(new(this, source, destination, Direction.Outbound, connection)) : null,
            destination is { Managed: true } ? Decide(new(this, destination, source, Direction.Inbound, connection)) : null);
    }

    /// <summary>Judges many connections, on all processors; what an <see cref="EdgeVerdict"/> says is what <see cref="Judge"/> does.</summary>
    public EdgeVerdict[] JudgeAll(IReadOnlyList<Connection> connections)
    {
        var verdicts = new EdgeVerdict[connections.Count];
        Parallel.ForEach(Partitioner.Create(0, Math.Max(1, verdicts.Length)), range =>
        {
            for (var i = range.Item1; i < Math.Min(range.Item2, verdicts.Length); i++)
            {
                verdicts[i] = Quickly(connections[i]);
            }
        });
        return verdicts;
    }

    /// <summary>The entries of a host that cover the peer in one direction, whatever their ports and conditions, in the order in which they decide.</summary>
    internal IEnumerable<Entry> Covering(Workload host, Direction direction, Connection connection)
    {
        var end = new End(this, host, Holder(connection.Space, direction == Direction.Inbound ? connection.Source : connection.Destination), direction, connection);
        return end.All.Where(entry => entry.Direction == direction && Covers(entry, end)).ToList();
    }

    /// <summary>The admitted workload that holds an address, or null.</summary>
    internal Workload? Holder(AddressSpace space, IpAddress address) => _state.Workloads.Holder(new(space, address));

    private EdgeVerdict Quickly(Connection connection)
    {
        var (source, destination) = (Holder(connection.Space, connection.Source), Holder(connection.Space, connection.Destination));
        var outbound = source is { Managed: true } ? Quickly(new End(this, source, destination, Direction.Outbound, connection)) : (EndVerdict?)null;
        var inbound = destination is { Managed: true } ? Quickly(new End(this, destination, source, Direction.Inbound, connection)) : (EndVerdict?)null;
        return new(Verdict.Combine(outbound, inbound), outbound, inbound);
    }

    private EndDecision Decide(End end)
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

    /// <summary>The first certain match decides; only where something uncertain comes before it is the whole list gone through.</summary>
    private EndVerdict Quickly(End end)
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

    private (Outcome Outcome, DecidedBy By)? BeforeRules(End end)
    {
        var (local, peer, protocol, port) = (end.Local, end.Peer, end.Connection.Protocol, end.Connection.Port);
        if (ReferenceEquals(end.Host, end.Other) || Essential.Always(end.Direction, local, peer, protocol, port) || Essential.Controller(_common, end.Direction, peer, protocol, port))
        {
            return (Outcome.Allow, DecidedBy.Essential);
        }

        if ((end.Host.Quarantined || !_state.Quarantined.IsEmpty)
            && Decision.ByQuarantine(end.Host.Quarantined, Quarantined(end), _responders.Contains(local), _responders.Contains(peer)) is { } outcome)
        {
            return (outcome, DecidedBy.Quarantine);
        }

        return Essential.FailSafe(_common, end.Direction, peer, protocol, port) ? (Outcome.Allow, DecidedBy.Essential) : null;
    }

    private bool Quarantined(End end) => _quarantined.GetOrAdd(end.Host.Space, (space, state) => new(state.QuarantinedIn(space)), _state).Contains(end.Peer);

    private bool Covers(Entry entry, End end)
    {
        if ((end.Key.Features & entry.Needs) != entry.Needs)
        {
            return false;
        }

        return entry.Peer.Group is not { } group
            ? _networks.GetOrAdd(entry.Peer.Network!, (name, state) => new(state.Networks[name].Network.Prefixes), _state).Contains(end.Peer)
            : end.OtherLabels is { } labels && group.Matches(labels) && (entry.Peer.Variant == PeerVariant.All || end.OtherIsIn(entry.Peer.Variant));
    }

    /// <summary>One end of a connection, at a managed workload.</summary>
    private readonly struct End
    {
        private readonly PolicyState _state;
        private readonly int _labelSet;
        private readonly int _otherLabelSet;

        public End(PolicyEvaluator evaluator, Workload host, Workload? other, Direction direction, Connection connection)
        {
            _state = evaluator._state;
            (Host, Direction, Connection) = (host, direction, connection);
            // A host finds its peer by the address that it sees in its own space.
            Other = host.Space == connection.Space ? other : evaluator.Holder(host.Space, Peer);
            _labelSet = _state.Lattice.Find(host.Labels)!.Value;
            Key = KinKey.Of(host);
            Mode = Key.ModesWith(_state.Populations[_labelSet]!.Assigned)[direction];
            if (Other is not null)
            {
                _otherLabelSet = _state.Lattice.Find(Other.Labels)!.Value;
                OtherLabels = _state.Lattice.Coded(_otherLabelSet);
            }
        }

        public Workload Host { get; }

        /// <summary>The admitted workload at the other end, or null.</summary>
        public Workload? Other { get; }

        public Direction Direction { get; }

        public Connection Connection { get; }

        public KinKey Key { get; }

        public EnforcementMode Mode { get; }

        /// <summary>The labels at the other end, coded as in the lattice; null if nobody holds the address.</summary>
        public int[]? OtherLabels { get; }

        public IpAddress Local => Direction == Direction.Inbound ? Connection.Destination : Connection.Source;

        public IpAddress Peer => Direction == Direction.Inbound ? Connection.Source : Connection.Destination;

        public SocketFacts Socket => Direction == Direction.Inbound ? Connection.Provider : Connection.Consumer;

        public EntryLookup.Matches Entries() => _state.EntriesOf(_labelSet).ByPort.Find(Direction, Connection.Protocol, Connection.Port);

        public Entry[] All => _state.EntriesOf(_labelSet).All;

        public bool OtherIsIn(PeerVariant variant) => KinKey.Of(Other!).In(variant, _state.Populations[_otherLabelSet]!.Assigned);
    }
}
