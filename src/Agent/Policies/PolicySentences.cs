using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Agent.Policies;

/// <summary>A host policy in sentences, in the order in which it decides.</summary>
internal static class PolicySentences
{
    private const int AddressesShown = 4;

    /// <summary>One sentence a line; continuation lines are indented.</summary>
    public static IEnumerable<string> Of(HostPolicy policy)
    {
        yield return $"Policy {policy.Generation} of this host.";
        if (policy.Quarantined)
        {
            yield return $"This host is in QUARANTINE: only loopback, neighbour discovery, DHCP, the controller and {Responders(policy)} reach it or are reached.";
        }

        if (policy.QuarantinedPeers.Count > 0)
        {
            yield return $"Cut off in both directions, in every mode, because they are in quarantine: {Addresses(policy.QuarantinedPeers)}.";
        }

        yield return "Always pass: loopback, what is established, ICMP errors about it, neighbour discovery, multicast membership, DHCP.";
        if (policy.Controllers.Count > 0)
        {
            yield return $"Always reached: the controller at {string.Join(", ", policy.Controllers)}.";
        }

        foreach (var safe in policy.FailSafe)
        {
            yield return $"Always let in (fail-safe): {Addresses(safe.Sources)} to {string.Join(", ", safe.Ports)}.";
        }

        foreach (var direction in (Direction[])[Direction.Inbound, Direction.Outbound])
        {
            foreach (var line in Of(policy, direction))
            {
                yield return line;
            }
        }
    }

    /// <summary>What a mode does in a direction, as the end of a sentence.</summary>
    public static string OfMode(EnforcementMode mode, Direction direction) => mode switch
    {
        EnforcementMode.Visibility => "visibility: nothing is blocked, whatever the rules say",
        EnforcementMode.Selective => "selective: what no rule denies passes",
        _ => $"full: what no rule allows is {(direction == Direction.Inbound ? "dropped" : "rejected")}",
    };

    private static IEnumerable<string> Of(HostPolicy policy, Direction direction)
    {
        var entries = policy.Entries.Where(entry => entry.Direction == direction).OrderBy(entry => entry.Action).ThenBy(entry => entry.Rule).ToArray();
        yield return "";
        yield return $"{direction} is in {OfMode(policy.Modes[direction], direction)}. {entries.Length switch { 0 => "There are no rules.", 1 => "One entry:", var n => $"{n} entries, the first that matches decides:" }}";
        foreach (var entry in entries)
        {
            var members = policy.PeerSets.FirstOrDefault(set => set.Name == entry.Peers)?.Members ?? [];
            var action = entry.Action switch { RuleAction.Allow => "allows", RuleAction.Deny => "denies", _ => "denies, whatever is allowed," };
            var ends = direction == Direction.Inbound
                ? $"{Addresses(members)} to reach {Ports(entry)}{Served(entry)}"
                : $"{Opener(entry)} to reach {Addresses(members)} on {Ports(entry)}";
            yield return $"  rule {entry.Rule} {action} {ends}";
        }
    }

    private static string Ports(HostEntry entry) => string.Join(", ", entry.Ports) + (entry.Stateless ? " (not tracked)" : "") + (entry.Helper is { } helper ? $" (and what {helper} agrees upon there)" : "");

    private static string Served(HostEntry entry) => entry.Process is { } process ? $" served by {process}" : "";

    private static string Opener(HostEntry entry) => (entry.Process, entry.Users.Count) switch
    {
        (null, 0) => "this host",
        ({ } process, 0) => $"{process}",
        (null, _) => $"users in {string.Join(" or ", entry.Users)}",
        ({ } process, _) => $"{process}, run by users in {string.Join(" or ", entry.Users)},",
    } + (entry.UnidentifiedMatches ? " or an unidentified process" : "");

    private static string Responders(HostPolicy policy) => policy.Responders.Count == 0 ? "nobody else" : Addresses(policy.Responders);

    private static string Addresses(EquatableArray<IpPrefix> prefixes) => prefixes.Count switch
    {
        0 => "nobody (the set is empty)",
        <= AddressesShown => string.Join(", ", prefixes.Select(NameOf)),
        _ => $"{string.Join(", ", prefixes.Take(AddressesShown).Select(NameOf))} and {prefixes.Count - AddressesShown} more",
    };

    private static string NameOf(IpPrefix prefix) => prefix.Length > 0 ? prefix.ToString() : prefix.Address.IsV6 ? "every IPv6 address" : "every IPv4 address";
}
