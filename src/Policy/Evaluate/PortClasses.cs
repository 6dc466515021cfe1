using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Splits ports into ranges that a policy's rules cannot tell apart.</summary>
public static class PortClasses
{
    /// <summary>
    /// The ranges of all protocols that have ports, or types, and that a rule or the fail-safe list names; of TCP and UDP also what none names. A
    /// protocol without ports is one range. In the order of protocols and ports; none are of more than one protocol.
    /// </summary>
    public static IReadOnlyList<PortMatch> Of(PolicyModel policy)
    {
        var named = policy.Rulesets.SelectMany(ruleset => ruleset.Rules).SelectMany(rule => rule.Services).SelectMany(service => service.Ports)
            .Concat(policy.FailSafe.SelectMany(failSafe => failSafe.Ports)).Where(match => !match.IsAny).Distinct().ToLookup(match => match.Protocol);
        return [.. named.Select(ports => ports.Key).Append(IpProtocol.Tcp).Append(IpProtocol.Udp).Distinct().Order().SelectMany(protocol => Split(protocol, named[protocol]))];
    }

    private static IEnumerable<PortMatch> Split(byte protocol, IEnumerable<PortMatch> named)
    {
        var whole = PortMatch.Whole(protocol);
        if (!IpProtocol.HasPorts(protocol) && !IpProtocol.IsIcmp(protocol))
        {
            yield return whole;
            yield break;
        }

        // Essential traffic differs by single types of ICMP, and of UDP by the ports of DHCP.
        IEnumerable<int> essential = IpProtocol.IsIcmp(protocol) ? Enumerable.Range(0, whole.Last + 1) : protocol == IpProtocol.Udp ? [67, 68, 69, 546, 547, 548] : [];
        int[] starts = [.. named.SelectMany(match => new[] { match.First, match.Last + 1 }).Concat(essential).Append(0).Where(start => start <= whole.Last).Distinct().Order()];
        for (var i = 0; i < starts.Length; i++)
        {
            PortMatch.TryCreate(protocol, starts[i], i + 1 < starts.Length ? starts[i + 1] - 1 : whole.Last, out var match);
            yield return match;
        }
    }
}
