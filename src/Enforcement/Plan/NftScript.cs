using System.Globalization;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Plan;

/// <summary>Writes documents and plans in the native syntax of nft 1.0.6. Equal values give equal bytes.</summary>
public static class NftScript
{
    private const string Owner = $"inet {FirewallDocument.Table}";
    private const int ReportsPerSecond = 50;
    private const int ReportBurst = 200;

    private const int AnswersPerSecond = 200;
    private const int AnswerBytes = 4096;

    // Enough of a packet for addresses, extension headers and ports.
    private const int ReportBytes = 128;

    // Behind mangle and destination NAT, before the filter chains of others: what we block, nobody else sees.
    private const string Priority = "filter - 10";

    // Behind others of this priority, who may have said already that a packet is not to be tracked.
    private const string BeforeTracking = "raw + 10";

    /// <summary>The script that replaces whatever the table holds, in one transaction.</summary>
    public static string Replace(FirewallDocument document)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        Replace(text, document);
        return text.ToString();
    }

    /// <summary>The script that removes the table, also if there is none.</summary>
    public static string Remove() => $"add table {Owner}\ndelete table {Owner}\n";

    /// <summary>A script that is only good for asking whether nft and the kernel know a rule.</summary>
    public static string Probe(FirewallRule rule) => $"table {Owner}_probe {{\n\tchain probe {{\n\t\t{Of(rule)}\n\t}}\n}}\n";

    /// <summary>The same of whether they know helpers.</summary>
    public static string Probe(IEnumerable<HelperObject> helpers) => $"table {Owner}_probe {{\n{string.Concat(helpers.Select(Block))}}}\n";

    /// <summary>A rule in one line.</summary>
    public static string Line(FirewallRule rule) => Of(rule);

    /// <summary>What makes a base chain one, in one line.</summary>
    public static string Line(Hook hook) => Of(hook);

    /// <summary>Writes the script of one step of a plan.</summary>
    public static void Write(TextWriter script, PlanStep step)
    {
        ArgumentNullException.ThrowIfNull(script);
        switch (step)
        {
            case PlanStep.ReplaceTable replace:
                Replace(script, replace.Document);
                break;
            case PlanStep.AddSet add:
                script.Write($"add set {Owner} {add.Set.Name} {{ {Type(add.Set).Replace("\n\t\t", "; ", StringComparison.Ordinal)}; elements = {{ ");
                Elements(script, add.Set.Elements);
                script.Write(" }; }\n");
                break;
            case PlanStep.AddElements add:
                script.Write($"add element {Owner} {add.Set} {{ ");
                Elements(script, add.Elements);
                script.Write(" }\n");
                break;
            case PlanStep.DeleteElements delete:
                script.Write($"delete element {Owner} {delete.Set} {{ ");
                Elements(script, delete.Elements);
                script.Write(" }\n");
                break;
            case PlanStep.AddHelper add:
                script.Write($"add ct helper {Owner} {add.Helper.Name} {{ {Type(add.Helper)}; }}\n");
                break;
            case PlanStep.DeleteHelper delete:
                script.Write($"delete ct helper {Owner} {delete.Helper}\n");
                break;
            case PlanStep.AddChain add:
                script.Write($"add chain {Owner} {add.Chain}\n");
                break;
            case PlanStep.SetRules set:
                script.Write($"flush chain {Owner} {set.Chain}\n");
                foreach (var rule in set.Rules)
                {
                    script.Write($"add rule {Owner} {set.Chain} {Of(rule)}\n");
                }

                break;
            case PlanStep.DeleteChain delete:
                script.Write($"delete chain {Owner} {delete.Chain}\n");
                break;
            case PlanStep.DeleteSet delete:
                script.Write($"delete set {Owner} {delete.Set}\n");
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(step));
        }
    }

    private static void Replace(TextWriter script, FirewallDocument document)
    {
        script.Write($"add table {Owner}\ndelete table {Owner}\ntable {Owner} {{\n\tcomment \"of the Bulkhead agent\"\n");
        foreach (var helper in document.Helpers)
        {
            script.Write(Block(helper));
        }

        foreach (var set in document.Sets)
        {
            script.Write($"\tset {set.Name} {{\n\t\t{Type(set)}\n\t\telements = {{ ");
            Elements(script, set.Elements);
            script.Write(" }\n\t}\n");
        }

        foreach (var chain in document.Chains)
        {
            script.Write($"\tchain {chain.Name} {{\n");
            if (chain.Hook is { } hook)
            {
                script.Write($"\t\t{Of(hook)};\n");
            }

            foreach (var rule in chain.Rules)
            {
                script.Write($"\t\t{Of(rule)}\n");
            }

            script.Write("\t}\n");
        }

        script.Write("}\n");
    }

    private static string Block(HelperObject helper) => $"\tct helper {helper.Name} {{\n\t\t{Type(helper)};\n\t}}\n";

    private static string Type(HelperObject helper) => $"type \"{helper.Type}\" protocol {IpProtocol.NameOf(helper.Protocol)}";

    private static string Type(AddressSet set) => $"type {(set.IsV6 ? "ipv6_addr" : "ipv4_addr")}{(set.IsInterval ? "\n\t\tflags interval" : "")}";

    private static void Elements(TextWriter script, IEnumerable<IpPrefix> elements)
    {
        var first = true;
        foreach (var element in elements)
        {
            script.Write(first ? "" : ", ");
            script.Write(element.ToString());
            first = false;
        }
    }

    private static string Of(Hook hook) => hook switch
    {
        Hook.Input => $"type filter hook input priority {Priority}; policy accept",
        Hook.Output => $"type filter hook output priority {Priority}; policy accept",
        Hook.Arriving => $"type filter hook prerouting priority {BeforeTracking}; policy accept",
        Hook.Leaving => $"type filter hook output priority {BeforeTracking}; policy accept",
        _ => throw new ArgumentOutOfRangeException(nameof(hook)),
    };

    private static string Of(FirewallRule rule) => rule switch
    {
        FirewallRule.When line => string.Join(" ", line.Matches.Select(Of).Append(Of(line.Verdict))),
        FirewallRule.Report report => string.Create(
            CultureInfo.InvariantCulture,
            $"counter limit rate {ReportsPerSecond}/second burst {ReportBurst} packets log prefix \"{report.Prefix}\" group {FirewallDocument.LogGroup} snaplen {ReportBytes}"),
        FirewallRule.CopyAnswers => string.Create(
            CultureInfo.InvariantCulture,
            $"udp sport 53 iif != lo ct direction reply limit rate {AnswersPerSecond}/second burst {AnswersPerSecond} packets log group {FirewallDocument.NamesGroup} snaplen {AnswerBytes}"),
        FirewallRule.Count => "counter",
        FirewallRule.Help help => $"ct helper set \"{help.Helper}\"",
        FirewallRule.MarkConnection mark => string.Create(CultureInfo.InvariantCulture, $"ct mark set ct mark | 0x{mark.Bits:x8}"),
        FirewallRule.Dispatch dispatch => $"{Of(dispatch.Key)} vmap {{ {string.Join(", ", dispatch.Cases.Select(c => $"{KeyOf(dispatch.Key, c)} : {Of(c.Verdict)}"))} }}",
        _ => throw new ArgumentOutOfRangeException(nameof(rule)),
    };

    private static string Of(DispatchKey key) => key switch
    {
        DispatchKey.State => "ct state",
        DispatchKey.Protocol => "meta l4proto",
        DispatchKey.Port => "th dport",
        DispatchKey.SourcePort => "th sport",
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
        Match.PortFrom port => $"{IpProtocol.NameOf(port.Of)} {(port.End == PacketEnd.Source ? "sport" : "dport")} >= {Number(port.First)}",
        Match.IcmpType type => $"{Icmp(type.IsV6)} type {{ {string.Join(", ", type.Types.Select(t => Number(t)))} }}",
        Match.IcmpCode code => $"{Icmp(code.IsV6)} code {Number(code.Code)}",
        Match.HopLimit { IsV6: true } hops => $"ip6 hoplimit {Number(hops.Value)}",
        Match.HopLimit hops => $"ip ttl {Number(hops.Value)}",
        Match.NotLoneSyn => "tcp flags & (fin | syn | rst | ack) != syn",
        Match.SocketCgroup cgroup => $"socket cgroupv2 level {Number(cgroup.Level)} \"{cgroup.Path}\"",
        Match.CgroupAt at => $"socket cgroupv2 level {Number(at.Level)} {(at.Among ? "" : "!= ")}{{ {string.Join(", ", at.Cgroups.Select(c => $"\"{c.Path}\""))} }}",
        Match.SocketMark mark => string.Create(
            CultureInfo.InvariantCulture, $"socket mark & 0x{mark.Mask:x8} == {{ {string.Join(", ", mark.Values.Select(v => $"0x{v:x8}"))} }}"),
        Match.ExpectedBy expected => string.Create(CultureInfo.InvariantCulture, $"ct helper \"{expected.Helper}\" ct mark & 0x{expected.Mark:x8} == 0x{expected.Mark:x8}"),
        Match.HasSocket => "socket mark & 0 == 0",
        Match.ForSocket => "fib daddr type local socket transparent 0",
        Match.Looped => "ct status confirmed fib saddr type local",
        Match.Limit limit => $"limit rate {Number(limit.PerSecond)}/second",
        _ => throw new ArgumentOutOfRangeException(nameof(match)),
    };

    private static string Of(ConnectionState state) => state switch
    {
        ConnectionState.Invalid => "invalid",
        ConnectionState.Established => "established",
        ConnectionState.Related => "related",
        ConnectionState.Untracked => "untracked",
        _ => "new",
    };

    private static string Of(Verdict verdict) => verdict switch
    {
        Verdict.Accept => "accept",
        Verdict.Untrack => "notrack accept",
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
