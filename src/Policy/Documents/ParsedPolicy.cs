using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Documents;

/// <summary>A policy that was found right, for <see cref="PolicyParser.Parse"/> to build on after an edit.</summary>
/// <param name="Document">As written.</param>
/// <param name="LabelKeys">The keys that it was checked with.</param>
/// <param name="Model">What it says.</param>
public sealed record ParsedPolicy(PolicyDocument Document, IReadOnlySet<string> LabelKeys, PolicyModel Model)
{
    /// <summary>The rulesets that mean in a later document what they meant in this one, by their very objects; null if the words they are written in changed.</summary>
    /// <remarks>A ruleset with provisional ids is not among them, since those depend on all others.</remarks>
    internal Dictionary<RulesetDocument, Ruleset>? Reusable(PolicyDocument later, IReadOnlySet<string> labelKeys)
    {
        if (!(ReferenceEquals(LabelKeys, labelKeys) || LabelKeys.SetEquals(labelKeys))
            || !Same(Document.Services, later.Services) || !Same(Document.Networks, later.Networks) || !Same(Document.LabelGroups, later.LabelGroups))
        {
            return null;
        }

        var models = Model.Rulesets.ToDictionary(ruleset => ruleset.Name, StringComparer.Ordinal);
        var reusable = new Dictionary<RulesetDocument, Ruleset>(models.Count, ReferenceEqualityComparer.Instance);
        foreach (var ruleset in Document.Rulesets.Where(ruleset => ruleset.Rules.All(rule => rule.Id > 0)))
        {
            reusable.Add(ruleset, models[ruleset.Name]);
        }

        return reusable;
    }

    private static bool Same<T>(IReadOnlyList<T> before, IReadOnlyList<T> after)
        where T : class => ReferenceEquals(before, after) || before.SequenceEqual(after, ReferenceEqualityComparer.Instance);
}
