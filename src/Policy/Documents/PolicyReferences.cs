using Bulkhead.Policy.Labels;

namespace Bulkhead.Policy.Documents;

/// <summary>Which named objects the parts of a policy refer to, as written: whether they are declared is not asked.</summary>
internal static class PolicyReferences
{
    public static IEnumerable<PolicyPart> Of(RulesetDocument ruleset) =>
        ruleset.Scopes.SelectMany(scope => OfSelector(scope.Selector)).Concat(ruleset.Rules.SelectMany(rule => OfEnds(rule.From, rule.To, rule.Services)));

    public static IEnumerable<PolicyPart> Of(LabelGroupDocument group) => group.Groups.Select(name => new PolicyPart("labelGroup", name));

    public static IEnumerable<PolicyPart> Of(ModeDocument mode) => OfSelector(mode.Selector);

    public static IEnumerable<PolicyPart> Of(FailSafeDocument entry) => [OfNetwork(entry.Network)];

    public static IEnumerable<PolicyPart> Of(PlanDocument plan) => OfSelector(plan.Selector).Concat(plan.Networks.Select(OfNetwork));

    public static IEnumerable<PolicyPart> Of(AssertionDocument assertion) =>
        new[] { assertion.Never, assertion.Must }.OfType<AssertedDocument>().SelectMany(asserted => OfEnds(asserted.From, asserted.To, asserted.Services));

    private static IEnumerable<PolicyPart> OfEnds(string from, string to, IReadOnlyList<string> services) =>
        OfEnd(from).Concat(OfEnd(to)).Concat(services.Select(name => new PolicyPart("service", name)));

    private static IEnumerable<PolicyPart> OfEnd(string end) => NamedObjects.NetworkOf(end.Trim()) is { } network ? [OfNetwork(network)] : OfSelector(end);

    private static PolicyPart OfNetwork(string name) => new("network", name);

    private static IEnumerable<PolicyPart> OfSelector(string selector) => SelectorText.GroupsOf(selector).Select(name => new PolicyPart("labelGroup", name));
}
