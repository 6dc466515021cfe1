using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Evaluate;

/// <summary>
/// Drafts the rule that would allow one connection, as narrow as the labels at its ends can say, and knows which rules would open no more if
/// they got the port. An address that no workload holds stands for itself alone, never for a network that holds others too.
/// </summary>
internal sealed class RuleDraft
{
    private readonly PolicyModel _policy;
    private readonly Connection _connection;
    private readonly Workload? _source;
    private readonly Workload? _destination;
    private readonly Service _service;
    private readonly Place _place;
    private readonly RuleEnd? _from;
    private readonly RuleEnd? _to;
    private readonly Lazy<List<(Direction Direction, Region Region)>> _regions;
    private readonly RuleRegions _letter = new(new Alphabet());

    /// <summary>Drafts a rule for a connection, between the workloads at its ends.</summary>
    public RuleDraft(PolicyModel policy, Connection connection, Workload? source, Workload? destination)
    {
        (_policy, _connection, _source, _destination) = (policy, connection, source, destination);
        var port = PortMatch.TryCreate(connection.Protocol, connection.Port, connection.Port, out var match) ? match : PortMatch.Whole(connection.Protocol);
        _service = new(port.ToString(), [port], null);
        _place = PlaceFor();
        _from = End(source, connection.Source, _place.Within != Within.To);
        _to = End(destination, connection.Destination, _place.Within != Within.From);
        _regions = new(() => _from is null || _to is null ? [] : Regions(_place.Scopes, new() { Id = default, From = _from, To = _to, Services = [_service], Action = RuleAction.Allow, Within = _place.Within }));
    }

    private sealed record Place(string Ruleset, bool IsNew, EquatableArray<Scope> Scopes, Within Within);

    /// <summary>The port in policy's words.</summary>
    public string Port => _service.Name;

    /// <summary>The change.</summary>
    public Remedy Remedy
    {
        get
        {
            foreach (var end in new[] { _source, _destination })
            {
                if (end is { Labels.Labels.IsEmpty: true })
                {
                    return new Remedy.LabelWorkload(end.Id, end.Name);
                }
            }

            var rule = new RuleDocument { From = _from?.ToString() ?? "network:NAME", To = _to?.ToString() ?? "network:NAME", Services = [Port], Within = _place.Within switch { Within.From => "from", Within.To => "to", _ => "both" } };
            return _from is null ? Declare(_connection.Source, rule) : _to is null ? Declare(_connection.Destination, rule) : new Remedy.AddRule(_place.Ruleset, rule, _place.IsNew);
        }
    }

    /// <summary>Whether a rule that got the port would admit nobody to it whom the drafted rule would not.</summary>
    public bool AdmitsNoMore(Ruleset ruleset, Rule rule) =>
        Regions(ruleset.Scopes, rule with { Services = [_service], Expires = null }).TrueForAll(r => _regions.Value.Exists(drafted => drafted.Direction == r.Direction && drafted.Region.Contains(r.Region)));

    private List<(Direction Direction, Region Region)> Regions(EquatableArray<Scope> scopes, Rule rule) =>
        [.. _letter.Of(new("", scopes, [rule]), _ => true).Select(r => (r.Direction, r.Region.Region))];

    /// <summary>A scope that holds both ends, else the provider, else the consumer; of several the one that asks most. Else a new ruleset.</summary>
    private Place PlaceFor() => _policy.Rulesets
        .Where(ruleset => ruleset.Scopes.Count == 1)
        .Select(ruleset => (Ruleset: ruleset, Scope: ruleset.Scopes[0], Within: WithinOf(ruleset.Scopes[0])))
        .Where(candidate => candidate.Within is not null)
        .OrderBy(candidate => candidate.Within switch { Within.Both => 0, Within.To => 1, _ => 2 })
        .ThenByDescending(candidate => candidate.Scope.Selector.Requirements.Count + candidate.Scope.Per.Count)
        .Select(candidate => new Place(candidate.Ruleset.Name, false, candidate.Ruleset.Scopes, candidate.Within!.Value))
        .FirstOrDefault() ?? new Place(NewName(), true, [new Scope(Selector.All, [])], Within.Both);

    private Within? WithinOf(Scope scope)
    {
        var (from, to) = (_source is not null && Pins(scope, _source), _destination is not null && Pins(scope, _destination));
        return (from && to) || (from && _destination is null) || (to && _source is null) ? Within.Both : to ? Within.To : from ? Within.From : null;
    }

    /// <summary>
    /// Whether a scope holds a workload and leaves open nothing of it that a rule then could not say: a rule must not repeat the scope's keys,
    /// so a scope of several values, or one for each compartment, would admit those of the others too.
    /// </summary>
    private static bool Pins(Scope scope, Workload workload) => scope.Contains(workload.Labels)
        && KeysOf(scope).All(key => workload.Labels[key] is null || scope.Selector.Requirements.Any(r => r.Key == key && r is { Kind: RequirementKind.OneOf, Values.Count: 1 }));

    private static IEnumerable<string> KeysOf(Scope scope) => scope.Selector.Requirements.Select(r => r.Key).Concat(scope.Per);

    /// <summary>All labels that the scope does not say already; null for an address that neither a workload nor a network of its own has.</summary>
    private RuleEnd? End(Workload? workload, IpAddress address, bool bound)
    {
        if (workload is not null)
        {
            var said = bound ? KeysOf(_place.Scopes[0]).ToHashSet(StringComparer.Ordinal) : [];
            var own = workload.Labels.Labels.Where(label => !said.Contains(label.Key)).Select(label => new Requirement(label.Key, RequirementKind.OneOf, [label.Value])).ToList();
            return new RuleEnd.Workloads(own.Count == 0 ? Selector.All : Selector.Of(own));
        }

        var alone = Networks(address).Where(network => network.Prefixes.Count == 1 && network.Prefixes[0].IsHost && network.Fqdn.Count == 0).MinBy(network => network.Name, StringComparer.Ordinal);
        return alone is null ? null : new RuleEnd.Addresses(alone);
    }

    private Remedy.DeclareNetwork Declare(IpAddress address, RuleDocument rule) =>
        new(address.ToString(), rule, _place.Ruleset, Networks(address).Select(network => network.Name).Distinct().Order(StringComparer.Ordinal).ToEquatableArray());

    /// <summary>The networks in use that hold an address.</summary>
    private IEnumerable<Network> Networks(IpAddress address) => _policy.Rulesets.SelectMany(ruleset => ruleset.Rules).SelectMany(rule => new[] { rule.From, rule.To }).OfType<RuleEnd.Addresses>()
        .Select(end => end.Network).Where(network => network.Prefixes.Any(prefix => prefix.Contains(address)));

    private string NewName()
    {
        var name = string.Join('-', ((_destination ?? _source)?.Labels.Labels ?? []).Where(label => label.Key is "app" or "env").Select(label => label.Value)) is { Length: > 0 } said ? said : "new";
        var taken = _policy.Rulesets.Select(ruleset => ruleset.Name).ToHashSet(StringComparer.Ordinal);
        return taken.Contains(name) ? Enumerable.Range(2, taken.Count + 1).Select(n => $"{name}-{n}").First(candidate => !taken.Contains(candidate)) : name;
    }
}
