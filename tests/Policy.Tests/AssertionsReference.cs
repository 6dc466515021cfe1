using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Tests;

/// <summary>One end of a connection: labels, or null for an address that is no workload's; an address, or null where only its family is known.</summary>
internal sealed record LetterEnd(LabelSet? Labels, IpAddress? Address, bool IsV6, string? Path, string? Unit = null);

/// <summary>A connection by the letter.</summary>
internal sealed record LetterConnection(LetterEnd From, LetterEnd To, byte Protocol, ushort Port, string[] Groups);

/// <summary>What is assumed of an address of which only the family is known: that it is in a network only if all are, or already if any is.</summary>
internal enum Assume
{
    Least,
    Most,
}

/// <summary>The letter of a policy as plainly as it can be written: rule by rule, connection by connection, nothing of the algebra.</summary>
internal sealed class LetterReference(PolicyModel policy)
{
    /// <summary>One address for each combination of the networks that random policies have.</summary>
    public static readonly IpAddress[] Addresses = [.. new[] { "10.0.0.5", "10.0.1.5", "10.1.0.5", "192.168.0.5", "2001:db8::5", "2001:db9::5" }.Select(IpAddress.Parse)];

    /// <summary>Whether both ends let a connection pass; by DHCP, too, if that is to count.</summary>
    public bool Allowed(LetterConnection c, Assume allows, Assume denies, bool dhcp, bool inForce = false) =>
        Passes(c, Direction.Outbound, allows, denies, dhcp, inForce) && Passes(c, Direction.Inbound, allows, denies, dhcp, inForce);

    /// <summary>
    /// Whether a connection passes only because it may be agreed upon: some connection between the same two ends passes, at an end where a rule gives it a helper that expects this one, and each
    /// end lets this one pass by its rules or, having given that helper, because no override-deny stops it.
    /// </summary>
    public bool Expected(LetterConnection c, bool inForce = false)
    {
        if (Allowed(c, Assume.Least, Assume.Least, dhcp: false, inForce))
        {
            return false;
        }

        string?[] paths = [null, "/bin/p", "/bin/s"];
        return (from helper in ConnectionHelper.All
                where helper.Expecting(c.Protocol, c.Port)
                from service in policy.Rulesets.SelectMany(set => set.Rules).SelectMany(rule => rule.Services).Where(service => service.Helper == helper)
                from port in service.Ports
                from swapped in (bool[])[false, true]
                from consumer in paths
                from provider in paths
                from groups in (string[][])[[], ["g"], ["h"], ["g", "h"]]
                let parent = new LetterConnection((swapped ? c.To : c.From) with { Path = consumer }, (swapped ? c.From : c.To) with { Path = provider }, port.Protocol, port.First, groups)
                where Allowed(parent, Assume.Least, Assume.Least, dhcp: false, inForce)
                let helped = Enum.GetValues<Direction>().Where(direction => Helps(parent, direction, helper, inForce)).Select(direction => swapped ? Other(direction) : direction).ToList()
                where helped.Count > 0 && Enum.GetValues<Direction>().All(direction => Passes(c, direction, Assume.Least, Assume.Least, countDhcp: false, inForce)
                    || (helped.Contains(direction) && !Deciding(c, direction, Assume.Least).Any(rule => rule.Action == RuleAction.OverrideDeny)))
                select true).Any();
    }

    private bool Helps(LetterConnection c, Direction direction, ConnectionHelper helper, bool inForce) =>
        !IsOpen(c, direction, Assume.Least)
        && (!inForce || policy.ModesOf((direction == Direction.Inbound ? c.To : c.From).Labels!)[direction] != EnforcementMode.Visibility)
        && Deciding(c, direction, Assume.Least).Any(rule => rule.Action == RuleAction.Allow && rule.Services.Any(service => service.Helper == helper && Covers(service, c)));

    private static Direction Other(Direction direction) => direction == Direction.Inbound ? Direction.Outbound : Direction.Inbound;

    public static bool Asserts(Assertion a, LetterConnection c, Assume assume) =>
        End(a.From, c.From, assume) && End(a.To, c.To, assume) && Consumer(a.FromProcess, a.Users, c)
        && a.Services.Any(s => Covers(s, c) && Owns(s.Process, c.To))
        && !(c.Protocol == 58 && c.Port is 2 or 143 or (>= 130 and <= 136)) && c.Protocol != 2;

    public bool IsPlanned(LetterEnd end) => end.Labels is { } labels && policy.Plans.Any(p => p.Selector.Matches(labels));

    /// <summary>Whether a workload could be where it is: in the networks of every plan for its labels.</summary>
    public bool KeepsPlans(LetterEnd end) => end.Labels is not { } labels || end.Address is null
        || policy.Plans.All(p => !p.Selector.Matches(labels) || p.Networks.Any(n => In(n, end, Assume.Least)));

    private bool Passes(LetterConnection c, Direction direction, Assume allows, Assume denies, bool countDhcp, bool inForce)
    {
        var inbound = direction == Direction.Inbound;
        var dhcp = countDhcp && c.Protocol == 17 && c.Port == (inbound ? 68 : 67) && !c.From.IsV6;
        if (dhcp || IsOpen(c, direction, allows))
        {
            return true;
        }

        var mode = inForce ? policy.ModesOf((inbound ? c.To : c.From).Labels!)[direction] : EnforcementMode.Full;
        return mode == EnforcementMode.Visibility
            || (!Deciding(c, direction, denies).Any(r => r.Action == RuleAction.OverrideDeny)
                && (Deciding(c, direction, allows).Any(r => r.Action == RuleAction.Allow)
                    || (mode == EnforcementMode.Selective && !Deciding(c, direction, denies).Any(r => r.Action == RuleAction.Deny))));
    }

    /// <summary>Whether one end lets a connection pass whatever the rules say.</summary>
    public bool IsOpen(LetterConnection c, Direction direction, Assume assume) =>
        (direction == Direction.Inbound ? c.To : c.From).Labels is null
        || (direction == Direction.Inbound && policy.FailSafe.Any(f => In(f.Network, c.From, assume) && f.Ports.Any(p => p.Matches(c.Protocol, c.Port))));

    /// <summary>The rules that match at one end.</summary>
    public IEnumerable<Rule> Deciding(LetterConnection c, Direction direction, Assume assume) =>
        (direction == Direction.Inbound ? c.To : c.From).Labels is null ? [] :
        from set in policy.Rulesets
        from rule in set.Rules
        where !(rule.Expires <= World.Now)
        where set.Scopes.Any(scope => Applies(rule, scope, c, direction == Direction.Inbound, assume))
        select rule;

    private static bool Applies(Rule rule, Scope scope, LetterConnection c, bool inbound, Assume assume)
    {
        if ((inbound ? rule.To : rule.From) is RuleEnd.Addresses || !End(rule.From, c.From, assume) || !End(rule.To, c.To, assume))
        {
            return false;
        }

        var fromBound = rule is { Within: not Within.To, From: RuleEnd.Workloads };
        var toBound = rule is { Within: not Within.From, To: RuleEnd.Workloads };
        if ((fromBound && !scope.Contains(c.From.Labels!)) || (toBound && !scope.Contains(c.To.Labels!))
            || (fromBound && toBound && scope.Per.Any(key => c.From.Labels![key] != c.To.Labels![key])))
        {
            return false;
        }

        if (inbound)
        {
            return (rule.Action == RuleAction.Allow || !rule.HasConsumerCondition) && rule.Services.Any(s => Covers(s, c) && Owns(s.Process, c.To));
        }

        return Consumer(rule.FromProcess, rule.Users, c) && rule.Services.Any(s => (rule.Action == RuleAction.Allow || s.Process is null) && Covers(s, c));
    }

    private static bool End(RuleEnd end, LetterEnd actual, Assume assume) => end switch
    {
        RuleEnd.Workloads w => actual.Labels is { } labels && w.Selector.Matches(labels),
        RuleEnd.Addresses a => In(a.Network, actual, assume),
        _ => false,
    };

    private static bool In(Network network, LetterEnd end, Assume assume)
    {
        if (end.Address is { } address)
        {
            return network.Prefixes.Any(p => p.Contains(address));
        }

        return network.Prefixes.Any(p => p.Address.IsV6 == end.IsV6 && (assume == Assume.Most || p.Length == 0));
    }

    private static bool Consumer(ProcessCondition? process, EquatableArray<string> users, LetterConnection c) =>
        Owns(process, c.From) && (users.Count == 0 || users.Any(c.Groups.Contains));

    private static bool Owns(ProcessCondition? process, LetterEnd end) => process is null || ((process.Path is null || process.Path == end.Path) && (process.Unit is null || process.Unit == end.Unit));

    private static bool Covers(Service service, LetterConnection c) => service.Ports.Any(p => p.Matches(c.Protocol, c.Port));
}
