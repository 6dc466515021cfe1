using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Drafts the rule that would allow one connection, in the words of the labels at its ends and in the narrowest ruleset for them.</summary>
internal sealed class RuleDraft(PolicyModel policy, Connection connection, string port)
{
    private sealed record Place(Ruleset Ruleset, Scope Scope, string Within);

    /// <summary>The change.</summary>
    public Remedy Between(Workload? source, Workload? destination)
    {
        foreach (var end in new[] { source, destination })
        {
            if (end is { Labels.Labels.IsEmpty: true })
            {
                return new Remedy.LabelWorkload(end.Id, end.Name);
            }
        }

        var place = PlaceFor(source, destination);
        var bound = place is null ? [] : Keys(place.Scope);
        var from = End(source, connection.Source, place?.Within != "to" ? bound : []);
        var to = End(destination, connection.Destination, place?.Within != "from" ? bound : []);
        var rule = new RuleDocument { From = from ?? "network:NAME", To = to ?? "network:NAME", Services = [port], Within = place?.Within ?? "both" };
        var ruleset = place?.Ruleset.Name ?? NewName(destination ?? source);
        return from is null ? new Remedy.DeclareNetwork(connection.Source.ToString(), rule, ruleset)
            : to is null ? new Remedy.DeclareNetwork(connection.Destination.ToString(), rule, ruleset)
            : new Remedy.AddRule(ruleset, rule);
    }

    private static HashSet<string> Keys(Scope scope) => [.. scope.Selector.Requirements.Select(r => r.Key), .. scope.Per];

    /// <summary>A scope that holds both ends, else the provider, else the consumer; of several the one that asks most.</summary>
    private Place? PlaceFor(Workload? source, Workload? destination) => policy.Rulesets
        .Where(ruleset => ruleset.Scopes.Count == 1)
        .SelectMany(ruleset => ruleset.Scopes.Select(scope => (Place: new Place(ruleset, scope, WithinOf(scope, source, destination) ?? ""), Asks: scope.Selector.Requirements.Count + scope.Per.Count)))
        .Where(candidate => candidate.Place.Within.Length > 0)
        .OrderBy(candidate => candidate.Place.Within switch { "both" => 0, "to" => 1, _ => 2 })
        .ThenByDescending(candidate => candidate.Asks)
        .Select(candidate => candidate.Place)
        .FirstOrDefault();

    private static string? WithinOf(Scope scope, Workload? source, Workload? destination)
    {
        var (from, to) = (source is not null && scope.Contains(source.Labels), destination is not null && scope.Contains(destination.Labels));
        var sameCompartment = from && to && scope.Per.All(key => source!.Labels[key] == destination!.Labels[key]);
        return sameCompartment || (from && destination is null) || (to && source is null) ? "both" : to ? "to" : from ? "from" : null;
    }

    /// <summary>The built-in keys if there are any, else all; null for an address that neither a workload nor a network has.</summary>
    private string? End(Workload? workload, Addresses.IpAddress address, HashSet<string> bound)
    {
        if (workload is null)
        {
            var network = policy.Rulesets.SelectMany(ruleset => ruleset.Rules).SelectMany(rule => new[] { rule.From, rule.To }).OfType<RuleEnd.Addresses>()
                .Select(end => end.Network).Where(network => network.Prefixes.Any(prefix => prefix.Contains(address))).MinBy(network => network.Name, StringComparer.Ordinal);
            return network is null ? null : $"network:{network.Name}";
        }

        var own = workload.Labels.Labels.Where(label => !bound.Contains(label.Key)).ToList();
        var usual = own.Where(label => LabelText.BuiltInKeys.Contains(label.Key)).ToList();
        var chosen = usual.Count > 0 ? usual : own;
        return chosen.Count == 0 ? "all" : Selector.Of(chosen.Select(label => new Requirement(label.Key, RequirementKind.OneOf, [label.Value]))).ToString();
    }

    private static string NewName(Workload? workload) =>
        string.Join('-', (workload?.Labels.Labels ?? []).Where(label => label.Key is "app" or "env").Select(label => label.Value)) is { Length: > 0 } name ? name : "new";
}
