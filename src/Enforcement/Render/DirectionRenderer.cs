using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Render;

/// <summary>
/// Renders one direction of a host policy: a base chain, and the chains that it reaches.
/// <code>
/// input ─ quarantined peer? ─► in_quarantine ─► essential, else block
///       ─ established ─► in_established: accept   every packet but a connection's first ends here; a lone SYN goes on
///       ─ loopback ─► accept
///       ─ invalid ─► in_invalid          related ─► in_related: ICMP errors, and no TCP but a lone SYN
///       ─ new, untracked ─► in_replies   those of stateless services: see <see cref="StatelessRenderer"/>
///       ─ protocol ─► in_tcp ─ port ─► in_tcp_443: essential, override-deny, what helpers expect (<see cref="HelperRenderer"/>), allow, deny
///       ─ full: block                    selective: accept
/// </code>
/// </summary>
internal sealed class DirectionRenderer
{
    private readonly DocumentBuilder _document;
    private readonly HostPolicy _policy;
    private readonly NameLookups _lookups;
    private readonly SocketConditions _conditions;
    private readonly StatelessRenderer _stateless;
    private readonly HelperRenderer _helpers;
    private readonly Direction _direction;
    private readonly EnforcementMode _mode;
    private readonly string _name;
    private readonly PacketEnd _peer;

    public DirectionRenderer(DocumentBuilder document, HostPolicy policy, NameLookups lookups, SocketContext sockets, Direction direction)
    {
        (_document, _policy, _lookups, _direction) = (document, policy, lookups, direction);
        _mode = policy.Modes[direction];
        _name = LogPrefix.TextOf(direction);
        _peer = direction == Direction.Inbound ? PacketEnd.Source : PacketEnd.Destination;
        _conditions = new(document, _name, sockets.Cgroups, sockets.Marks);
        _stateless = new(document, policy, direction);
        _helpers = new(document, policy, direction, sockets.Mask);
    }

    /// <summary>What the sets of a peer set are named by.</summary>
    public static string PeersName(string peers) => $"peers_{peers}";

    public void Render()
    {
        Invalid();
        _stateless.Untrack();
        _document.Chain(
            _direction == Direction.Inbound ? "input" : "output",
            _policy.Quarantined ? Quarantined() : _mode == EnforcementMode.Visibility ? Visible() : Enforced(),
            _direction == Direction.Inbound ? Hook.Input : Hook.Output);
    }

    /// <summary>Pure observation: nothing drops here but for peers in quarantine, and no helper is given, since helpers drop what they cannot make sense of.</summary>
    private IEnumerable<FirewallRule> Visible() =>
    [
        .. QuarantinedPeers(),
        When([new Match.State(ConnectionState.Established)], new Verdict.Jump(EstablishedChain(Accept(new Match.Protocol(IpProtocol.Tcp))))),
        StateDispatch(On(ConnectionState.Invalid, new Verdict.Jump($"{_name}_invalid"))),
    ];

    private List<FirewallRule> Enforced()
    {
        _document.Chain($"{_name}_related",
        [
            Accept(new Match.IcmpType(false, [3, 11, 12])),
            Accept(new Match.IcmpType(true, [1, 2, 3, 4])),
            When([new Match.NotLoneSyn()], Block(BlockReason.Invalid)),
        ]);
        List<FirewallRule> rules =
        [
            .. QuarantinedPeers(),
            When([new Match.State(ConnectionState.Established)], new Verdict.Jump(EstablishedChain(Accept(new Match.NotLoneSyn()), When([new Match.Protocol(IpProtocol.Tcp)], new Verdict.Return())))),
            Accept(new Match.Loopback(_peer)),
            StateDispatch(
            [
                On(ConnectionState.Invalid, new Verdict.Goto($"{_name}_invalid")),
                On(ConnectionState.Related, new Verdict.Jump($"{_name}_related")),
                .. _stateless.Replies() is { } replies ? [On(ConnectionState.New, new Verdict.Jump(replies)), On(ConnectionState.Untracked, new Verdict.Jump(replies))] : Array.Empty<DispatchCase>(),
            ]),
            .. new PortDispatch(_document, _name, StrayTcp()).Render(
                [.. Essential.Always(_direction), .. EssentialEntries(), .. FailSafe(), .. PolicyEntries()]),
        ];
        if (_mode == EnforcementMode.Full)
        {
            rules.Add(When([], Block(BlockReason.Default)));
        }

        return rules;
    }

    private List<FirewallRule> Quarantined()
    {
        List<FirewallRule> rules =
        [
            Accept(new Match.Loopback(_peer)),
            StateDispatch(On(ConnectionState.Invalid, new Verdict.Goto($"{_name}_invalid"))),
            .. QuarantinedPeers(),
            .. _document.Addresses("responders", _peer, _policy.Responders).Select(m => Accept(m)),
            When([], new Verdict.Goto(QuarantineChain())),
        ];
        return rules;
    }

    /// <summary>Before what is established, so that live connections end too.</summary>
    private IEnumerable<FirewallRule> QuarantinedPeers() =>
        _document.Addresses("quarantined", _peer, _policy.QuarantinedPeers)
            .Select(m => When([m], _policy.Responders.Count == 0 ? new Verdict.Goto(QuarantineChain()) : new Verdict.Jump(QuarantinedPeerChain())));

    /// <summary>A responder reaches workloads in quarantine, so at its own end nothing is cut.</summary>
    private string QuarantinedPeerChain()
    {
        var name = $"{_name}_quarantined_peer";
        if (!_document.HasChain(name))
        {
            _document.Chain(name,
            [
                .. _document.Addresses("responders", _peer == PacketEnd.Source ? PacketEnd.Destination : PacketEnd.Source, _policy.Responders).Select(m => When([m], new Verdict.Return())),
                When([], new Verdict.Goto(QuarantineChain())),
            ]);
        }

        return name;
    }

    private string QuarantineChain()
    {
        var name = $"{_name}_quarantine";
        if (!_document.HasChain(name))
        {
            _document.Chain(name,
            [
                .. new PortDispatch(_document, name, null).Render([.. Essential.Always(_direction), .. Controllers()]),
                .. _direction == Direction.Inbound ? ControllerReplies() : [],
                When([], Block(BlockReason.Quarantine)),
            ]);
        }

        return name;
    }

    private void Invalid() => _document.Chain(
        $"{_name}_invalid",
        _mode == EnforcementMode.Visibility && !_policy.Quarantined
            ? [new FirewallRule.Count()]
            : [.. Essential.PacketTooBig.Select(m => Accept([.. m])), When([], Block(BlockReason.Invalid))]);

    /// <summary>With tcp_loose a segment from the middle of a connection would create its state again; here only a lone SYN may.</summary>
    private FirewallRule.When StrayTcp() =>
        When([new Match.NotLoneSyn(), new Match.State(ConnectionState.New)], Block(BlockReason.Invalid));

    private IEnumerable<DispatchEntry> EssentialEntries() =>
        _direction == Direction.Inbound ? [] : [.. Controllers(), .. Lookups()];

    private IEnumerable<DispatchEntry> Controllers()
    {
        if (_direction == Direction.Inbound)
        {
            yield break;
        }

        foreach (var (port, matches) in ControllerAddresses())
        {
            yield return Entry([PortMatch.Tcp(port)], matches.Select(m => Accept(m)));
        }
    }

    private IEnumerable<FirewallRule> ControllerReplies() =>
        from controller in ControllerAddresses()
        from match in controller.Matches
        select Accept(match, new Match.Port(PacketEnd.Source, IpProtocol.Tcp, controller.Port), new Match.State(ConnectionState.Established));

    private IEnumerable<(ushort Port, IEnumerable<Match> Matches)> ControllerAddresses() =>
        from controller in _policy.Controllers
        group IpPrefix.Host(controller.Address) by controller.Port into addresses
        orderby addresses.Key
        select (addresses.Key, _document.Addresses($"controller_{addresses.Key}", _peer, addresses.Distinct()));

    private IEnumerable<DispatchEntry> Lookups()
    {
        if (_lookups is { Cgroup: { } cgroup, Resolvers.Count: > 0 })
        {
            yield return Entry(
                [PortMatch.Tcp(53), PortMatch.Udp(53)],
                _document.Addresses("resolvers", _peer, _lookups.Resolvers.Distinct().Select(IpPrefix.Host)).Select(m => Accept(m, cgroup)));
        }
    }

    private IEnumerable<DispatchEntry> FailSafe()
    {
        if (_direction == Direction.Outbound)
        {
            yield break;
        }

        for (var i = 0; i < _policy.FailSafe.Count; i++)
        {
            var entry = _policy.FailSafe[i];
            yield return Entry(entry.Ports, _document.Addresses($"fail_safe_{i}", _peer, entry.Sources).Select(m => Accept(m)));
        }
    }

    private IEnumerable<DispatchEntry> PolicyEntries()
    {
        var tiers = _policy.Entries.ToLookup(entry => entry.Action == RuleAction.OverrideDeny);
        return [.. Entries(tiers[true]), .. _helpers.Expected(), .. Entries(tiers[false])];
    }

    /// <summary>Of allows, those that give a helper come first: nothing else tells by which of several a connection passes.</summary>
    private IEnumerable<DispatchEntry> Entries(IEnumerable<HostEntry> entries)
    {
        var peers = _policy.PeerSets.ToDictionary(set => set.Name, StringComparer.Ordinal);
        foreach (var entry in entries.Where(e => e.Direction == _direction).OrderBy(e => e.Action).ThenBy(e => e.Helper is null).ThenBy(e => e.Rule))
        {
            var matches = _document.Addresses(PeersName(entry.Peers), _peer, peers[entry.Peers].Packed).ToArray();
            if (matches.Length > 0)
            {
                var verdict = _conditions.If(entry, VerdictOf(entry));
                yield return Entry(entry.Ports, matches.Select(m => When([m], verdict)));
            }
        }
    }

    private Verdict VerdictOf(HostEntry entry) => entry.Action switch
    {
        RuleAction.Allow => _helpers.Accept(entry),
        RuleAction.Deny => Block(BlockReason.Deny, entry.Rule),
        _ => Block(BlockReason.OverrideDeny, entry.Rule),
    };

    /// <summary>Inbound blocks drop, so that a retried SYN bridges the moment between two ends; outbound blocks reject, so that applications fail fast.</summary>
    private Verdict.Goto Block(BlockReason reason, RuleId? rule = null)
    {
        var prefix = new LogPrefix(_direction, reason, rule);
        var name = $"{_name}_block_{(rule is { } id ? $"rule_{id}" : reason.ToString().ToLowerInvariant())}";
        if (!_document.HasChain(name))
        {
            FirewallRule[] rules = _direction == Direction.Inbound || reason == BlockReason.Invalid
                ? [new FirewallRule.Report(prefix), When([], new Verdict.Drop())]
                : [new FirewallRule.Report(prefix), When([new Match.Protocol(IpProtocol.Tcp)], new Verdict.Reset()), When([], new Verdict.Prohibit())];
            _document.Chain(name, [.. Apart(name, reason, rules), .. rules]);
        }

        return new Verdict.Goto(name);
    }

    /// <summary>
    /// That rules block the agent itself has to be heard of, or nothing would mend them: such reports have a limit of their own, which no flood of others' packets uses up.
    /// </summary>
    private IEnumerable<FirewallRule> Apart(string name, BlockReason reason, FirewallRule[] rules)
    {
        if (_direction == Direction.Outbound && reason is BlockReason.OverrideDeny or BlockReason.Deny or BlockReason.Default && _lookups.Own is { } own)
        {
            _document.Chain($"{name}_agent", rules);
            yield return When([own], new Verdict.Goto($"{name}_agent"));
        }
    }

    private static DispatchEntry Entry(EquatableArray<PortMatch> ports, IEnumerable<FirewallRule> rules) => new(ports, rules.ToEquatableArray());

    /// <summary>
    /// Where it is enforced, whatever conntrack takes for part of a connection, a lone SYN begins one: whoever gets a port that a connection has just left, while
    /// conntrack still waits for that one's last segments, is somebody else. Answers of name servers are looked for behind TCP, which so pays nothing for it.
    /// </summary>
    private string EstablishedChain(params IEnumerable<FirewallRule> tcp)
    {
        var name = $"{_name}_established";
        _document.Chain(name, [.. tcp, .. _direction == Direction.Inbound ? [new FirewallRule.CopyAnswers()] : Array.Empty<FirewallRule>(), Accept()]);
        return name;
    }

    private static FirewallRule.Dispatch StateDispatch(params IEnumerable<DispatchCase> cases) =>
        new(DispatchKey.State, cases.ToEquatableArray());

    private static DispatchCase On(ConnectionState state, Verdict verdict) => new((ushort)state, (ushort)state, verdict);

    private static FirewallRule.When Accept(params Match[] matches) => When(matches.ToEquatableArray(), new Verdict.Accept());

    private static FirewallRule.When When(EquatableArray<Match> matches, Verdict verdict) => new(matches, verdict);
}
