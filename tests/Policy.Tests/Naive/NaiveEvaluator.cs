using System.Net;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>
/// What one end decides, and the rules that match or may match: the decisive one, then the others in deciding order. Decisive is the first
/// that certainly matches; where the outcome, or that in full, can't be decided, the first that may.
/// </summary>
internal sealed record NaiveEnd(Outcome Outcome, Outcome InFull, DecidedBy By, EquatableArray<long> Rules)
{
    public override string ToString() => $"{Outcome}, in full {InFull}, by {By} [{string.Join(' ', Rules)}]";
}

/// <summary>
/// The semantics (design, sections 1 and 2) as plainly as they can be written: no sets, no compilation, every question answered by
/// looking at the text and at every workload again. Slow on purpose.
/// </summary>
internal sealed class NaiveEvaluator(Estate estate)
{
    private static readonly string[] _strictness = ["visibility", "selective", "full"];
    private static readonly string[] _tiers = ["override-deny", "allow", "deny"];

    private readonly NaiveText _text = new(estate.Document);
    private readonly NaiveSights _sights = new(estate.Workloads);

    public (VerdictKind Kind, NaiveEnd? Source, NaiveEnd? Destination) Judge(Connection c)
    {
        var (source, destination) = (Agreed(_sights.Consumers(c), false, c.Consumer), Agreed(_sights.Providers(c), true, c.Provider));
        var ends = new[] { source, destination }.OfType<NaiveEnd>().ToList();
        // In full both outcomes are the same, so "not yet in full" need not be asked.
        var kind = ends.Count == 0 ? VerdictKind.Unknown
            : ends.Any(e => e.Outcome == Outcome.Block) ? VerdictKind.Blocked
            : ends.Any(e => e.InFull == Outcome.Block) ? VerdictKind.PotentiallyBlocked
            : ends.Any(e => e.Outcome == Outcome.Unknown || e.InFull == Outcome.Unknown) ? VerdictKind.Unknown
            : VerdictKind.Allowed;
        return (kind, source, destination);
    }

    /// <summary>What a managed workload's own policy says of a connection.</summary>
    public NaiveEnd Decide(Workload host, bool inbound, IpAddress local, IpAddress peerAddress, byte protocol, int port, SocketFacts facts)
    {
        // What goes to another address of its own is loopback, whatever interface the address is on.
        if (_sights.Holder(host.Space, peerAddress)?.Id == host.Id)
        {
            return new(Outcome.Allow, Outcome.Allow, DecidedBy.Essential, []);
        }

        var peerInQuarantine = _sights.CutOff(host.Space, peerAddress);
        if (host.Quarantined || peerInQuarantine)
        {
            if (NaiveEssential.Anywhere(inbound, local, peerAddress, protocol, port) || NaiveEssential.Controller(inbound, peerAddress, protocol, port))
            {
                return new(Outcome.Allow, Outcome.Allow, DecidedBy.Essential, []);
            }

            // Whoever is in quarantine is left with the responders, at both ends.
            var hostLeft = !host.Quarantined || _text.InNetwork("responders", Ip(peerAddress));
            var peerLeft = !peerInQuarantine || _text.InNetwork("responders", Ip(local));
            if (!hostLeft || !peerLeft)
            {
                return new(Outcome.Block, Outcome.Block, DecidedBy.Quarantine, []);
            }

            if (host.Quarantined)
            {
                return new(Outcome.Allow, Outcome.Allow, DecidedBy.Quarantine, []);
            }
        }

        if (NaiveEssential.Anywhere(inbound, local, peerAddress, protocol, port)
            || NaiveEssential.Controller(inbound, peerAddress, protocol, port)
            || (inbound && estate.Document.FailSafe.Any(f => _text.InNetwork(f.Network, Ip(peerAddress)) && f.Ports.Any(p => NaiveText.Covers(p, protocol, port)))))
        {
            return new(Outcome.Allow, Outcome.Allow, DecidedBy.Essential, []);
        }

        return ByRules(host, inbound, peerAddress, protocol, port, facts);
    }

    /// <summary>
    /// Whether packets of a connection pass a host untracked: it can do so and enforces, an allow has a stateless service for them and leaves the
    /// host's own socket out of it, and no override-deny has anything to do with them, whosoever socket it asks for.
    /// </summary>
    public bool IsUntracked(Workload host, bool inbound, IpAddress peerAddress, byte protocol, int port, int client)
    {
        if (host.Quarantined || _sights.CutOff(host.Space, peerAddress) || Mode(host, inbound) == 0 || !host.Features.Contains(Features.Stateless)
            || !(protocol == 6 || (protocol == 17 && client >= 32768)))
        {
            return false;
        }

        var sockets = NaiveSocket.Possible(SocketFacts.Unrecorded, estate.Document);
        var near = Near(host, inbound, peerAddress, protocol, port);
        bool Matching(RuleDocument rule, Workload? peer, int at) => sockets.Any(socket => Matches(rule, host, inbound, peer, peerAddress, protocol, at, socket));
        return !near.Any(n => n.Rule.Action == "override-deny" && Matching(n.Rule, n.Peer, n.Port))
            && near.Any(n => n.Rule.Action == "allow" && (inbound || (n.Rule.FromProcess is null && n.Rule.Users.Count == 0))
                && Matching(n.Rule with { Services = [.. n.Rule.Services.Where(name => estate.Document.Services.Any(s => s.Name == name && s.Stateless))] }, n.Peer, n.Port));
    }

    /// <summary>What several possible ends share: an outcome, or nothing; told with the reasons of the one that is furthest from allowing.</summary>
    private NaiveEnd? Agreed(IReadOnlyList<NaiveSight> possible, bool inbound, SocketFacts facts)
    {
        var ends = possible.Select(p => p.Own.Managed ? Decide(p.Own, inbound, p.Local, p.Peer, p.Protocol, p.Port, facts) : null).ToList();
        if (ends.All(end => end is null))
        {
            return null;
        }

        // Nobody judges where nobody is managed, so nobody stops it there.
        Outcome Same(Func<NaiveEnd, Outcome> of) => ends.Select(end => end is null ? Outcome.Allow : of(end)).Distinct().ToArray() is [var one] ? one : Outcome.Unknown;
        int Far(Outcome outcome) => outcome switch { Outcome.Block => 0, Outcome.Unknown => 1, _ => 2 };
        var told = ends.OfType<NaiveEnd>().OrderBy(end => Far(end.Outcome)).ThenBy(end => Far(end.InFull)).First();
        return told with { Outcome = Same(end => end.Outcome), InFull = Same(end => end.InFull) };
    }

    private NaiveEnd ByRules(Workload host, bool inbound, IpAddress peerAddress, byte protocol, int port, SocketFacts facts)
    {
        var mode = Mode(host, inbound);
        var near = Near(host, inbound, peerAddress, protocol, port);
        var worlds = NaiveSocket.Possible(facts, estate.Document).Select(socket => near.Where(r => Matches(r.Rule, host, inbound, r.Peer, peerAddress, protocol, r.Port, socket)).Select(r => r.Rule).Distinct().ToList()).ToList();
        var outcomes = worlds.Select(matching => (Blocks(matching, mode), Blocks(matching, 2))).ToList();
        var (outcome, inFull) = (Shared(outcomes.Select(o => o.Item1)), Shared(outcomes.Select(o => o.Item2)));
        var possible = near.Select(n => n.Rule).Distinct().Where(r => worlds.Any(matching => matching.Contains(r))).ToList();
        var certain = possible.Find(r => worlds.All(matching => matching.Contains(r)));
        var decisive = outcome == Outcome.Unknown || inFull == Outcome.Unknown ? possible[0] : certain ?? possible.FirstOrDefault();
        return new(
            outcome,
            inFull,
            decisive is null ? DecidedBy.Default : DecidedBy.Rule,
            possible.OrderByDescending(r => r == decisive).Select(r => r.Id).ToEquatableArray());
    }

    /// <summary>Rules about the two ends in the order in which they decide, with whoever may be the peer and the port there.</summary>
    private List<(RuleDocument Rule, Workload? Peer, int Port)> Near(Workload host, bool inbound, IpAddress peerAddress, byte protocol, int port)
    {
        var peers = inbound ? [.. _sights.From(host.Space, peerAddress).Select(w => (Peer: (Workload?)w, Port: port))] : _sights.To(host.Space, peerAddress, protocol, port).Select(to => (Peer: (Workload?)to.Own, to.Port)).ToList();
        // A network is met by the address and port that are to be seen, whoever is behind them.
        peers.Add((null, port));
        return [.. from ruleset in estate.Document.Rulesets
                    from rule in ruleset.Rules
                    from peer in peers
                    where Concerns(ruleset, rule, host, inbound, peer.Peer, peerAddress)
                    orderby Array.IndexOf(_tiers, rule.Action), rule.Id
                    select (rule, peer.Peer, peer.Port)];
    }

    private static bool Blocks(List<RuleDocument> matching, int mode) =>
        mode > 0 && (matching.Count > 0 ? matching[0].Action != "allow" : mode == 2);

    private static Outcome Shared(IEnumerable<bool> blocked) => blocked.Distinct().ToArray() switch
    {
        [true] => Outcome.Block,
        [false] => Outcome.Allow,
        _ => Outcome.Unknown,
    };

    private int Mode(Workload host, bool inbound) =>
        host.Pin is { } pin ? (int)(inbound ? pin.Inbound : pin.Outbound)
        : estate.Document.Modes.Where(m => _text.Selects(m.Selector, Labels(host))).Select(m => Array.IndexOf(_strictness, inbound ? m.Inbound : m.Outbound)).DefaultIfEmpty(0).Max();

    /// <summary>Whether a rule is about the two ends, ports and sockets aside. At a network's end no rule is enforced.</summary>
    private bool Concerns(RulesetDocument ruleset, RuleDocument rule, Workload host, bool inbound, Workload? peer, IpAddress peerAddress)
    {
        var (own, other) = inbound ? (rule.To, rule.From) : (rule.From, rule.To);
        if (rule.Expires <= estate.Now || NaiveText.IsNetwork(own) || !_text.Selects(own, Labels(host)))
        {
            return false;
        }

        var otherIsNetwork = NaiveText.IsNetwork(other);
        if (otherIsNetwork ? peer is not null || !_text.InNetwork(other, Ip(peerAddress)) : peer is null || !_text.Selects(other, Labels(peer)))
        {
            return false;
        }

        var ownBound = rule.Within == "both" || rule.Within == (inbound ? "to" : "from");
        var otherBound = !otherIsNetwork && (rule.Within == "both" || rule.Within == (inbound ? "from" : "to"));
        return ruleset.Scopes.Any(scope => (!ownBound || Within(scope, host)) && (!otherBound || Within(scope, peer!))
            && (!ownBound || !otherBound || scope.Per.All(key => Labels(host)[key] == Labels(peer!)[key])));
    }

    private bool Within(ScopeDocument scope, Workload workload) =>
        _text.Selects(scope.Selector, Labels(workload)) && scope.Per.All(Labels(workload).ContainsKey);

    /// <summary>Whether a rule that concerns the ends matches, as far as this end can decide it.</summary>
    private bool Matches(RuleDocument rule, Workload host, bool inbound, Workload? peer, IpAddress peerAddress, byte protocol, int port, NaiveSocket socket)
    {
        var serving = _text.Covering([.. rule.Services.Where(name => rule.Action != "allow" || CanHelp(host, name))], protocol, port);
        var (allow, unidentified) = (rule.Action == "allow", rule.Unidentified == "match");
        var consumer = rule.FromProcess is not null || rule.Users.Count > 0;
        if (!inbound)
        {
            return (allow ? serving.Count > 0 : serving.Any(process => process is null))
                && (HeldAnyway(rule) || CanEnforce(host, rule)) && socket.Meets(rule.FromProcess, rule.Users, unidentified);
        }

        if (consumer && (!allow || (rule.Consumer == "strict" && !(peer is { Managed: true } && CanEnforce(peer, rule) && Mode(peer, false) == 2 && _sights.From(host.Space, peerAddress).Count == 1))))
        {
            return false;
        }

        return serving.Any(process => process is null || ((HeldAnyway(rule) || CanDecide(host, process, Features.ProcessInbound, Features.UnitInbound)) && socket.Meets(process, [], unidentified)));
    }

    private bool CanHelp(Workload host, string name) =>
        estate.Document.Services.FirstOrDefault(service => service.Name == name)?.Helper is not { } helper || host.Features.Contains($"helper-{helper}-1");

    /// <summary>A deny that must not be left out is judged as if the host could decide it: a host that cannot keeps the policy under which it could.</summary>
    private static bool HeldAnyway(RuleDocument rule) => rule.Action != "allow" && rule.WhereUnenforceable == "refuse";

    private static bool CanEnforce(Workload consumer, RuleDocument rule) =>
        (rule.FromProcess is null || CanDecide(consumer, rule.FromProcess, Features.ProcessOutbound, Features.UnitOutbound))
        && (rule.Users.Count == 0 || consumer.Features.Contains(Features.UserOutbound));

    private static bool CanDecide(Workload host, ProcessDocument process, string path, string unit) =>
        (process.Path is null || host.Features.Contains(path)) && (process.Unit is null || host.Features.Contains(unit));

    private static Dictionary<string, string> Labels(Workload workload) => workload.Labels.Labels.ToDictionary(l => l.Key, l => l.Value);

    private static IPAddress Ip(IpAddress address) => IPAddress.Parse(address.ToString());
}
