using System.Globalization;
using System.Text;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Plan;

/// <summary>Writes documents and plans in the native syntax of nft 1.0.6. Equal values give equal bytes.</summary>
public static class NftScript
{
    private const string Owner = $"inet {FirewallDocument.Table}";
    private const int ReportsPerSecond = 50;
    private const int ReportBurst = 200;

    // Enough of a packet for addresses, extension headers and ports.
    private const int ReportBytes = 128;

    // Behind mangle and destination NAT, before the filter chains of others: what we block, nobody else sees.
    private const string Priority = "filter - 10";

    /// <summary>The script that replaces whatever the table holds, in one transaction.</summary>
    public static string Replace(FirewallDocument document)
    {
        var text = new StringBuilder($"add table {Owner}\ndelete table {Owner}\ntable {Owner} {{\n\tcomment \"of the Bulkhead agent\"\n");
        foreach (var set in document.Sets)
        {
            text.Append(CultureInfo.InvariantCulture, $"\tset {set.Name} {{\n\t\t{Body(set).Replace("; ", "\n\t\t", StringComparison.Ordinal)}\n\t}}\n");
        }

        foreach (var chain in document.Chains)
        {
            text.Append(CultureInfo.InvariantCulture, $"\tchain {chain.Name} {{\n");
            if (chain.Hook is { } hook)
            {
                text.Append(CultureInfo.InvariantCulture, $"\t\t{Hook(hook)};\n");
            }

            foreach (var rule in chain.Rules)
            {
                text.Append(CultureInfo.InvariantCulture, $"\t\t{Of(rule)}\n");
            }

            text.Append("\t}\n");
        }

        return text.Append("}\n").ToString();
    }

    /// <summary>The script that removes the table, also if there is none.</summary>
    public static string Remove() => $"add table {Owner}\ndelete table {Owner}\n";

    /// <summary>The script of one step of a plan.</summary>
    public static string Of(PlanStep step) => step switch
    {
        PlanStep.ReplaceTable replace => Replace(replace.Document),
        PlanStep.AddSet add => $"add set {Owner} {add.Set.Name} {{ {Body(add.Set)}; }}\n",
        PlanStep.AddElements add => $"add element {Owner} {add.Set} {{ {Join(add.Elements)} }}\n",
        PlanStep.DeleteElements delete => $"delete element {Owner} {delete.Set} {{ {Join(delete.Elements)} }}\n",
        PlanStep.ReplaceElements replace => $"flush set {Owner} {replace.Set}\nadd element {Owner} {replace.Set} {{ {Join(replace.Elements)} }}\n",
        PlanStep.AddChain add => $"add chain {Owner} {add.Chain}\n",
        PlanStep.SetRules set => $"flush chain {Owner} {set.Chain}\n"
            + string.Concat(set.Rules.Select(rule => $"add rule {Owner} {set.Chain} {Of(rule)}\n")),
        PlanStep.DeleteChain delete => $"delete chain {Owner} {delete.Chain}\n",
        PlanStep.DeleteSet delete => $"delete set {Owner} {delete.Set}\n",
        _ => throw new ArgumentOutOfRangeException(nameof(step)),
    };

    private static string Body(AddressSet set) =>
        $"type {(set.IsV6 ? "ipv6_addr" : "ipv4_addr")}{(set.IsInterval ? "; flags interval" : "")}; elements = {{ {Join(set.Elements)} }}";

    private static string Join(IEnumerable<IpPrefix> elements) => string.Join(", ", elements);

    private static string Hook(Direction direction) =>
        $"type filter hook {(direction == Direction.Inbound ? "input" : "output")} priority {Priority}; policy accept";

    private static string Of(FirewallRule rule) => rule switch
    {
        FirewallRule.When line => string.Join(" ", line.Matches.Select(Of).Append(Of(line.Verdict))),
        FirewallRule.Report report => string.Create(
            CultureInfo.InvariantCulture,
            $"counter limit rate {ReportsPerSecond}/second burst {ReportBurst} packets log prefix \"{report.Prefix}\" group {FirewallDocument.LogGroup} snaplen {ReportBytes}"),
        FirewallRule.Count => "counter",
        FirewallRule.Dispatch dispatch => $"{Of(dispatch.Key)} vmap {{ {string.Join(", ", dispatch.Cases.Select(c => $"{KeyOf(dispatch.Key, c)} : {Of(c.Verdict)}"))} }}",
        _ => throw new ArgumentOutOfRangeException(nameof(rule)),
    };

    private static string Of(DispatchKey key) => key switch
    {
        DispatchKey.State => "ct state",
        DispatchKey.Protocol => "meta l4proto",
        DispatchKey.Port => "th dport",
        DispatchKey.IcmpType => "icmp type",
        _ => "icmpv6 type",
    };

    private static string KeyOf(DispatchKey key, DispatchCase one) => key switch
    {
        DispatchKey.State => Of((ConnectionState)one.First),
        _ => one.First == one.Last ? Number(one.First) : $"{Number(one.First)}-{Number(one.Last)}",
    };

    private static string Of(Match match) => match switch
    {
        Match.State state => $"ct state {Of(state.Value)}",
        Match.Loopback { End: PacketEnd.Source } => "iif lo",
        Match.Loopback => "oif lo",
        Match.InSet set => $"{Address(set.IsV6, set.End)} @{set.Set}",
        Match.InPrefix { Prefix.Length: 0 } family => $"meta nfproto {(family.Prefix.Address.IsV6 ? "ipv6" : "ipv4")}",
        Match.InPrefix prefix => $"{Address(prefix.Prefix.Address.IsV6, prefix.End)} {prefix.Prefix}",
        Match.Protocol protocol => $"meta l4proto {Number(protocol.Value)}",
        Match.Port port => $"{IpProtocol.NameOf(port.Of)} {(port.End == PacketEnd.Source ? "sport" : "dport")} {Number(port.Value)}",
        Match.IcmpType type => $"{Icmp(type.IsV6)} type {{ {string.Join(", ", type.Types.Select(t => Number(t)))} }}",
        Match.IcmpCode code => $"{Icmp(code.IsV6)} code {Number(code.Code)}",
        Match.HopLimit { IsV6: true } hops => $"ip6 hoplimit {Number(hops.Value)}",
        Match.HopLimit hops => $"ip ttl {Number(hops.Value)}",
        Match.NotLoneSyn => "tcp flags & (fin | syn | rst | ack) != syn",
        Match.SocketCgroup cgroup => $"socket cgroupv2 level {Number(cgroup.Level)} \"{cgroup.Path}\"",
        Match.Limit limit => $"limit rate {Number(limit.PerSecond)}/second",
        _ => throw new ArgumentOutOfRangeException(nameof(match)),
    };

    private static string Of(ConnectionState state) => state switch
    {
        ConnectionState.Invalid => "invalid",
        ConnectionState.Established => "established",
        ConnectionState.Related => "related",
        _ => "new",
    };

    private static string Of(Verdict verdict) => verdict switch
    {
        Verdict.Accept => "accept",
        Verdict.Drop => "drop",
        Verdict.Reset => "reject with tcp reset",
        Verdict.Prohibit => "reject with icmpx type admin-prohibited",
        Verdict.Jump jump => $"jump {jump.Chain}",
        Verdict.Return => "return",
        Verdict.Goto jump => $"goto {jump.Chain}",
        _ => throw new ArgumentOutOfRangeException(nameof(verdict)),
    };

    private static string Address(bool isV6, PacketEnd end) => $"{(isV6 ? "ip6" : "ip")} {(end == PacketEnd.Source ? "saddr" : "daddr")}";

    private static string Icmp(bool isV6) => isV6 ? "icmpv6" : "icmp";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
