using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Judging where more than the holders of addresses may be at the ends of a connection.</summary>
public sealed partial class PolicyEvaluator
{
    /// <summary>The workloads that may be at one end of a connection, and what each of them sees of it; by id.</summary>
    public IReadOnlyList<ConnectionEnd> Ends(Connection connection, Direction direction) => ConnectionEnd.Of(_state.Workloads, connection, direction);

    /// <summary>Judges a connection of which it is known who is at its ends, even if these share their addresses with others.</summary>
    public Verdict Judge(Connection connection, WorkloadId? consumer, WorkloadId? provider) =>
        Verdict.Combine(Told(Direction.Outbound, connection, consumer).Decision, Told(Direction.Inbound, connection, provider).Decision);

    /// <summary>Whether translations may have to do with a connection; most have not, and are judged without asking who else may be at their ends.</summary>
    internal bool IsTranslated(Connection connection) =>
        _state.Workloads.Translations.Concern(connection.Source) || _state.Workloads.Translations.Concern(connection.Destination);

    /// <summary>
    /// What an end decides, and the workload at it: of several that may be, the outcome that they share, told with the reasons of the one that
    /// is furthest from allowing. One that is not managed stops nothing.
    /// </summary>
    /// <param name="direction">Which end.</param>
    /// <param name="connection">The connection.</param>
    /// <param name="known">Who is there, if that is known; ignored if it cannot be.</param>
    internal (EndDecision? Decision, ConnectionEnd? End) Told(Direction direction, Connection connection, WorkloadId? known = null)
    {
        var ends = Ends(connection, direction);
        if (known is { } id && ends.Any(end => end.Workload.Id == id))
        {
            ends = [.. ends.Where(end => end.Workload.Id == id)];
        }

        var byRules = new Dictionary<(LabelSet, KinKey, Connection), EndDecision>();
        var decisions = ends.Select(end => end.Workload.Managed ? Decide(end, byRules) : null).ToList();
        var managed = decisions.Zip(ends).Where(pair => pair.First is not null).ToList();
        if (managed.Count == 0)
        {
            return (null, ends.Count == 0 ? null : ends[0]);
        }

        var (decision, told) = managed.MinBy(pair => (Farness(pair.First!.Outcome), Farness(pair.First!.InFull)));
        return decisions.Count == 1 ? (decision, told) : (decision! with
        {
            Mode = managed.Min(pair => pair.First!.Mode),
            Outcome = Shared(decisions, end => end.Outcome),
            InFull = Shared(decisions, end => end.InFull),
        }, told);
    }

    /// <summary>The entries of a host that cover what it sees at the other end, whatever their conditions, in the order in which they decide; and whether their ports do, too.</summary>
    internal IEnumerable<(Entry Entry, bool HasPort)> Covering(ConnectionEnd end)
    {
        var (own, seen) = (Seat.Of(_state, end.Workload), end.Seen);
        var peer = new Addresses.ScopedAddress(seen.Space, end.Direction == Direction.Inbound ? seen.Source : seen.Destination);
        var alone = !_state.Workloads.Translations.IsShared(peer);
        var others = Others(end, peer).DistinctBy(other => (other.Workload.Labels, KinKey.Of(other.Workload), other.Port)).Select(other => (Seat: Seat.Of(_state, other.Workload), other.Port)).ToList();
        foreach (var entry in own.Kind.Entries.All)
        {
            if (entry.Direction != end.Direction || !entry.IsHeldWith(own.Standing.Key.Features))
            {
                continue;
            }

            if (entry.Peer.Group is not { } group)
            {
                if (InNetwork(entry.Peer.Network!, peer.Address))
                {
                    yield return (entry, HasPort(entry, seen.Protocol, seen.Port));
                }
            }
            else if (others.Where(other => group.Matches(other.Seat.Labels) && (entry.Peer.Variant == PeerVariant.All || (alone && other.Seat.Standing.IsIn(entry.Peer.Variant)))).ToList() is { Count: > 0 } covered)
            {
                yield return (entry, covered.Exists(other => HasPort(entry, seen.Protocol, other.Port)));
            }
        }
    }

    /// <summary>The workloads that entries of a host may mean at the other end, with the port that they would have to name.</summary>
    private IReadOnlyList<(Workload Workload, ushort Port)> Others(ConnectionEnd end, Addresses.ScopedAddress peer) => end.Direction == Direction.Inbound
        ? [.. _state.Workloads.Translations.ComingFrom(peer).Select(workload => (workload, end.Seen.Port))]
        : _state.Workloads.Translations.LeadingTo(peer, end.Seen.Protocol, end.Seen.Port);

    /// <summary>Thousands may be behind one address; rules cannot tell those apart that agree on what compiling looks at, and do not ask for their own address.</summary>
    private EndDecision Decide(ConnectionEnd seen, Dictionary<(LabelSet, KinKey, Connection), EndDecision> byRules)
    {
        var end = EndAt(seen.Workload, seen.Direction, seen.Seen);
        if (BeforeRules(end) is { } before)
        {
            return Decision.Final(end.Direction, end.Mode, before.Outcome, before.By);
        }

        var alike = (seen.Workload.Labels, KinKey.Of(seen.Workload), end.Direction == Direction.Inbound ? seen.Seen with { Destination = default } : seen.Seen with { Source = default });
        if (!byRules.TryGetValue(alike, out var decision))
        {
            var candidates = Covering(seen).Where(covering => covering.HasPort).Select(covering => Candidate.Of(covering.Entry, end.Socket)).OfType<Candidate>().ToList();
            byRules.Add(alike, decision = Decision.ByRules(end.Direction, end.Mode, candidates, end.Socket));
        }

        return decision;
    }

    private static bool HasPort(Entry entry, byte protocol, ushort port)
    {
        foreach (var match in entry.Ports)
        {
            if (match.Matches(protocol, port))
            {
                return true;
            }
        }

        return false;
    }

    private static int Farness(Outcome outcome) => outcome switch { Outcome.Block => 0, Outcome.Unknown => 1, _ => 2 };

    private static Outcome Shared(List<EndDecision?> decisions, Func<EndDecision, Outcome> of)
    {
        var first = Of(decisions[0]);
        return decisions.TrueForAll(decision => Of(decision) == first) ? first : Outcome.Unknown;

        Outcome Of(EndDecision? decision) => decision is null ? Outcome.Allow : of(decision);
    }
}
