using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Tests;

/// <summary>A packet at a hook; for ICMP the destination port is the type.</summary>
internal sealed record Packet(Direction Hook, IpAddress Source, IpAddress Destination, byte Protocol, ushort DestinationPort)
{
    public ushort SourcePort { get; init; } = 40000;

    public byte IcmpCode { get; init; }

    public byte HopLimit { get; init; } = 64;

    public ConnectionState State { get; init; } = ConnectionState.New;

    public bool IsLoneSyn { get; init; } = true;

    public bool Loopback { get; init; }

    /// <summary>Whether it is a copy of what the host sent to a group.</summary>
    public bool Looped { get; init; }

    /// <summary>The local socket's cgroup, or null without a socket; level 0 for the root.</summary>
    public string? Cgroup { get; init; }

    /// <summary>The local socket's mark.</summary>
    public uint Mark { get; init; }

    /// <summary>Of what a helper expected: the helper, and the mark of the connection that it stems from.</summary>
    public (string Helper, uint Mark)? ExpectedBy { get; init; }
}

/// <summary>What became of a packet, the report on it, and how many rules it met on the way.</summary>
internal sealed record Fate(Verdict Verdict, LogPrefix? Report, int Rules)
{
    /// <summary>The kernel's name of the helper that its connection was given, and the mark.</summary>
    public (string? Helper, uint Mark) Given { get; init; }

    /// <summary>The chain of the last report, each of which has a limit of its own.</summary>
    public string? ReportedIn { get; init; }

    public bool Passes => Verdict is Verdict.Accept;
}

/// <summary>Runs packets through a document as nftables would; knows nothing of how documents are made.</summary>
internal sealed class Interpreter(FirewallDocument document)
{
    private readonly Dictionary<string, FirewallChain> _chains = document.Chains.ToDictionary(c => c.Name);
    private readonly Dictionary<string, AddressSet> _sets = document.Sets.ToDictionary(s => s.Name);
    private LogPrefix? _report;
    private string? _reportedIn;
    private int _rules;
    private (string? Helper, uint Mark) _given;

    public Fate Run(Packet packet)
    {
        (_report, _reportedIn, _rules, _given) = (null, null, 0, default);
        var verdict = Walk(document.Chains.Single(c => c.Hook == (packet.Hook == Direction.Inbound ? Hook.Input : Hook.Output)), packet) ?? new Verdict.Accept();
        return new(verdict, _report, _rules) { Given = _given, ReportedIn = _reportedIn };
    }

    /// <summary>Whether a packet is let pass untracked, before anything else happens to it.</summary>
    public bool Untracks(Packet packet)
    {
        var chain = document.Chains.SingleOrDefault(c => c.Hook == (packet.Hook == Direction.Inbound ? Hook.Arriving : Hook.Leaving));
        var verdict = chain is null ? null : Walk(chain, packet);
        Assert.True(verdict is null or Verdict.Accept or Verdict.Untrack);
        return verdict is Verdict.Untrack;
    }

    /// <summary>The verdict, or null if the chain's end is reached; after a goto, the end of its target is the end of this one.</summary>
    private Verdict? Walk(FirewallChain chain, Packet packet)
    {
        foreach (var rule in chain.Rules)
        {
            _rules++;
            _reportedIn = rule is FirewallRule.Report ? chain.Name : _reportedIn;
            switch (Decide(rule, packet))
            {
                case null:
                    continue;
                case Verdict.Jump jump:
                    if (Walk(_chains[jump.Chain], packet) is { } decided)
                    {
                        return decided;
                    }

                    continue;
                case Verdict.Goto go:
                    return Walk(_chains[go.Chain], packet);
                case Verdict.Return:
                    return null;
                case { } verdict:
                    return verdict;
            }
        }

        return null;
    }

    private Verdict? Decide(FirewallRule rule, Packet packet)
    {
        switch (rule)
        {
            case FirewallRule.When line:
                return line.Matches.All(m => Holds(m, packet)) ? line.Verdict : null;
            case FirewallRule.Report report:
                _report = report.Prefix;
                return null;
            case FirewallRule.Help help:
                var helper = document.Helpers.Single(h => h.Name == help.Helper);
                _given.Helper ??= helper.Protocol == packet.Protocol ? helper.Type : null;
                return null;
            case FirewallRule.MarkConnection mark:
                _given.Mark |= mark.Bits;
                return null;
            case FirewallRule.Dispatch dispatch when Key(dispatch.Key, packet) is { } key:
                return dispatch.Cases.SingleOrDefault(c => c.First <= key && key <= c.Last).Verdict;
            default:
                return null;
        }
    }

    private static int? Key(DispatchKey key, Packet packet) => key switch
    {
        DispatchKey.State => (int)packet.State,
        DispatchKey.Protocol => packet.Protocol,
        DispatchKey.Port when IpProtocol.HasPorts(packet.Protocol) => packet.DestinationPort,
        DispatchKey.SourcePort when IpProtocol.HasPorts(packet.Protocol) => packet.SourcePort,
        DispatchKey.IcmpType when packet.Protocol == IpProtocol.Icmp => packet.DestinationPort,
        DispatchKey.IcmpV6Type when packet.Protocol == IpProtocol.IcmpV6 => packet.DestinationPort,
        _ => null,
    };

    private bool Holds(Match match, Packet packet) => match switch
    {
        Match.State state => packet.State == state.Value,
        Match.Loopback => packet.Loopback,
        Match.InSet set => _sets[set.Set].Elements.Any(e => e.Contains(At(set.End, packet))) && At(set.End, packet).IsV6 == set.IsV6,
        Match.InPrefix prefix => prefix.Prefix.Contains(At(prefix.End, packet)),
        Match.Protocol protocol => packet.Protocol == protocol.Value,
        Match.Port port => packet.Protocol == port.Of && (port.End == PacketEnd.Source ? packet.SourcePort : packet.DestinationPort) == port.Value,
        Match.PortFrom port => packet.Protocol == port.Of && (port.End == PacketEnd.Source ? packet.SourcePort : packet.DestinationPort) >= port.First,
        Match.IcmpType type => packet.Protocol == (type.IsV6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp) && type.Types.Contains((byte)packet.DestinationPort),
        Match.IcmpCode code => packet.Protocol == (code.IsV6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp) && packet.IcmpCode == code.Code,
        Match.HopLimit hops => packet.Source.IsV6 == hops.IsV6 && packet.HopLimit == hops.Value,
        Match.NotLoneSyn => packet.Protocol == IpProtocol.Tcp && !packet.IsLoneSyn,
        Match.Looped => packet.Looped,
        Match.Limit => true,
        Match.ExpectedBy by => packet.ExpectedBy is { } parent && parent.Helper == by.Helper && (parent.Mark & by.Mark) == by.Mark,
        Match.SocketMark mark => packet.Cgroup is not null && mark.Values.Contains(packet.Mark & mark.Mask),
        Match.ForSocket => packet.Hook == Direction.Inbound && packet.Cgroup is not null,
        Match.HasSocket => packet.Cgroup is not null,
        Match.SocketCgroup cgroup => Ancestor(packet.Cgroup, cgroup.Level) == cgroup.Path,
        Match.CgroupAt at => Ancestor(packet.Cgroup, at.Level) is { } cgroup && at.Cgroups.Any(c => c.Path == cgroup) == at.Among,
        _ => false,
    };

    /// <summary>The cgroup at a level on the way to a cgroup, or null if there is none.</summary>
    private static string? Ancestor(string? cgroup, int level)
    {
        var parts = cgroup?.Split('/', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return parts.Length < level ? null : string.Join('/', parts.Take(level));
    }

    private static IpAddress At(PacketEnd end, Packet packet) => end == PacketEnd.Source ? packet.Source : packet.Destination;
}
