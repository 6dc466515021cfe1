using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Bulkhead.Policy.Documents;

/// <summary>A part of a policy by name, written <c>ruleset/shop</c>: what can be changed, and provisioned, on its own.</summary>
/// <param name="Kind">As in <see cref="ObjectChange.Kind"/>.</param>
/// <param name="Name">
/// The object's name; for modes and plans the selector as written, for failSafe the network, and the part then is all entries of that. Empty, where
/// parts are asked for, for all of the kind.
/// </param>
public readonly record struct PolicyPart(string Kind, string Name)
{
    /// <summary>Reads <c>KIND/NAME</c>, or <c>KIND</c> alone.</summary>
    public static PolicyPart Parse(string text) => text.IndexOf('/', StringComparison.Ordinal) is var slash and >= 0 ? new(text[..slash], text[(slash + 1)..]) : new(text, "");

    /// <summary>Whether it is another part, or one of a kind that is asked for as a whole.</summary>
    public bool Includes(PolicyPart other) => Kind == other.Kind && (Name.Length == 0 || Name == other.Name);

    /// <inheritdoc/>
    public override string ToString() => Name.Length == 0 ? Kind : $"{Kind}/{Name}";
}

/// <summary>The parts of a policy, each with what it says and what it refers to.</summary>
internal sealed class PolicyParts
{
    private readonly Dictionary<PolicyPart, Content> _parts = [];

    /// <summary>Takes a policy apart.</summary>
    public PolicyParts(PolicyDocument document)
    {
        document = PolicyJson.Sort(document);
        Add("ruleset", document.Rulesets, r => r.Name, PolicyJson.Default.RulesetDocument, PolicyReferences.Of);
        Add("service", document.Services, s => s.Name, PolicyJson.Default.ServiceDocument, _ => []);
        Add("network", document.Networks, n => n.Name, PolicyJson.Default.NetworkDocument, _ => []);
        Add("labelGroup", document.LabelGroups, g => g.Name, PolicyJson.Default.LabelGroupDocument, PolicyReferences.Of);
        Add("modes", document.Modes, m => m.Selector, PolicyJson.Default.ModeDocument, PolicyReferences.Of);
        Add("failSafe", document.FailSafe, f => f.Network, PolicyJson.Default.FailSafeDocument, PolicyReferences.Of);
        Add("plans", document.Plans, p => p.Selector, PolicyJson.Default.PlanDocument, PolicyReferences.Of);
        Add("assertion", document.Assertions, a => a.Name, PolicyJson.Default.AssertionDocument, PolicyReferences.Of);
        foreach (var ruleset in document.Rulesets)
        {
            foreach (var rule in ruleset.Rules.Where(rule => rule.Id > 0))
            {
                RulesetOf.TryAdd(rule.Id, new("ruleset", ruleset.Name));
            }
        }
    }

    /// <summary>The ruleset that holds a rule.</summary>
    public Dictionary<long, PolicyPart> RulesetOf { get; } = [];

    /// <summary>Those that two policies do not say alike, added and removed ones included, in order.</summary>
    public static IReadOnlyList<PolicyPart> Changed(PolicyParts before, PolicyParts after) =>
        [.. before._parts.Keys.Union(after._parts.Keys)
            .Where(part => before._parts.GetValueOrDefault(part)?.Text != after._parts.GetValueOrDefault(part)?.Text)
            .OrderBy(part => part.Kind, StringComparer.Ordinal).ThenBy(part => part.Name, StringComparer.Ordinal)];

    /// <summary>What a part refers to, whether or not there is such a part.</summary>
    public IEnumerable<PolicyPart> References(PolicyPart part) => _parts.GetValueOrDefault(part)?.References ?? [];

    private void Add<T>(string kind, IReadOnlyList<T> items, Func<T, string> name, JsonTypeInfo<T> type, Func<T, IEnumerable<PolicyPart>> references)
    {
        foreach (var same in items.GroupBy(name, StringComparer.Ordinal))
        {
            _parts.Add(new(kind, same.Key), new(string.Join('\n', same.Select(item => JsonSerializer.Serialize(item, type)).Distinct()), [.. same.SelectMany(references).Distinct()]));
        }
    }

    private sealed record Content(string Text, IReadOnlyList<PolicyPart> References);
}
