using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Render;

/// <summary>
/// Renders what passes one way without being tracked: requests and replies of stateless services (<see cref="StatelessPorts"/>). Requests
/// are judged like all others, each one; of a reply nothing is known but its ports and addresses, by which it passes. What an
/// override-deny is about, or has to do with a peer in quarantine, is tracked as ever.
/// <code>
/// arriving ─ loopback, quarantined peer? ─► accept
///          ─ port        ─► in_untracked_request_udp_53: peers ─► a socket of ours? ─► notrack
///          ─ source port ─► in_untracked_reply_udp_53:   peers ─► a socket of ours? ─► notrack
/// input ─ new or untracked ─► in_replies ─ source port ─► in_replies_udp_53: peers ─► accept
/// </code>
/// </summary>
/// <param name="document">Gets the chains.</param>
/// <param name="policy">The policy.</param>
/// <param name="way">Inbound for packets to the host.</param>
internal sealed class StatelessRenderer(DocumentBuilder document, HostPolicy policy, Direction way)
{
    private readonly string _name = LogPrefix.TextOf(way);
    private readonly PacketEnd _peer = way == Direction.Inbound ? PacketEnd.Source : PacketEnd.Destination;

    private Direction Opposite => way == Direction.Inbound ? Direction.Outbound : Direction.Inbound;

    /// <summary>The chain before tracking, if there is anything not to track.</summary>
    public void Untrack()
    {
        if (Stateless(way).Count + Stateless(Opposite).Count == 0)
        {
            return;
        }

        var (prefix, untrack) = ($"{_name}_untracked", (Verdict)new Verdict.Untrack());
        if (way == Direction.Inbound)
        {
            document.Chain($"{prefix}_here", [When([new Match.ForSocket()], untrack)]);
            untrack = new Verdict.Goto($"{prefix}_here");
        }

        document.Chain(
            way == Direction.Inbound ? "arriving" : "leaving",
            [
                When([new Match.Loopback(_peer)], new Verdict.Accept()),
                .. Quarantined(new Verdict.Accept()),
                .. new PortDispatch(document, $"{prefix}_request", null).Render([.. Entries(way, isReply: false, untrack)]),
                .. new PortDispatch(document, $"{prefix}_reply", null, PacketEnd.Source).Render([.. Entries(Opposite, isReply: true, untrack)]),
            ],
            way == Direction.Inbound ? Hook.Arriving : Hook.Leaving);
    }

    /// <summary>
    /// The chain that lets replies pass; null if there can be none. Those that nobody waits for any more were tracked, and come as new ones: over TCP, where only
    /// a lone SYN may begin anything, they do not pass.
    /// </summary>
    public string? Replies()
    {
        var name = $"{_name}_replies";
        if (Stateless(Opposite).Count == 0)
        {
            return null;
        }

        document.Chain(name,
        [
            .. Quarantined(new Verdict.Return()),
            .. new PortDispatch(document, name, null, PacketEnd.Source).Render([.. Entries(Opposite, isReply: true, new Verdict.Accept()).Select(Untracked)]),
        ]);
        return name;
    }

    private static DispatchEntry Untracked(DispatchEntry entry) => entry.Ports.All(port => port.Protocol != IpProtocol.Tcp) ? entry : entry with
    {
        Rules = entry.Rules.Select(rule => rule is FirewallRule.When { Verdict: Verdict.Accept } when
            ? when with { Matches = when.Matches.Append(new Match.State(ConnectionState.Untracked)).ToEquatableArray() }
            : rule).ToEquatableArray(),
    };

    /// <summary>Peers in quarantine, whom responders reach all the same.</summary>
    private IEnumerable<FirewallRule> Quarantined(Verdict verdict) => document.Addresses("quarantined", _peer, policy.QuarantinedPeers).Select(m => When([m], verdict));

    private List<HostEntry> Stateless(Direction direction) => policy.Quarantined || policy.Modes[direction] == EnforcementMode.Visibility
        ? []
        : [.. policy.Entries.Where(entry => entry.Stateless && entry.Direction == direction)];

    /// <summary>What becomes of packets of one direction's stateless connections.</summary>
    private IEnumerable<DispatchEntry> Entries(Direction direction, bool isReply, Verdict verdict) => All(direction, isReply, verdict).Where(entry => entry.Rules.Count > 0);

    private IEnumerable<DispatchEntry> All(Direction direction, bool isReply, Verdict verdict)
    {
        var peers = policy.PeerSets.ToDictionary(set => set.Name, StringComparer.Ordinal);
        var stateless = Stateless(direction);
        foreach (var entry in policy.Entries.Where(entry => entry.Direction == direction && entry.Action == RuleAction.OverrideDeny))
        {
            yield return Entry(
                stateless.SelectMany(one => one.Ports).SelectMany(port => entry.Ports.Select(port.Intersect)).OfType<PortMatch>().Distinct().Order(),
                Members(entry).Select(member => When([member], new Verdict.Return())));
        }

        foreach (var entry in stateless)
        {
            foreach (var ports in entry.Ports.GroupBy(port => port.Protocol))
            {
                yield return Entry(ports, Members(entry).Select(member => When([member, .. Bounds(ports.Key, isReply)], verdict)));
            }
        }

        IEnumerable<Match> Members(HostEntry entry) => document.Addresses(DirectionRenderer.PeersName(entry.Peers), _peer, peers[entry.Peers].Packed);
    }

    /// <summary>Nobody begins a TCP connection with a reply, and one of UDP goes only where requests that are not tracked come from.</summary>
    private static IEnumerable<Match> Bounds(byte protocol, bool isReply) => protocol switch
    {
        IpProtocol.Udp => [new Match.PortFrom(isReply ? PacketEnd.Destination : PacketEnd.Source, protocol, StatelessPorts.FirstUdpClient)],
        _ => isReply ? [new Match.NotLoneSyn()] : [],
    };

    private static DispatchEntry Entry(IEnumerable<PortMatch> ports, IEnumerable<FirewallRule> rules) => new(ports.ToEquatableArray(), rules.ToEquatableArray());

    private static FirewallRule.When When(EquatableArray<Match> matches, Verdict verdict) => new(matches, verdict);
}
