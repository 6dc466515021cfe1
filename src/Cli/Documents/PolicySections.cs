using System.Text.Json;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Cli.Documents;

/// <summary>A list of equal objects in a policy, each with a key of its own.</summary>
/// <param name="Name">As the document has it: <c>rulesets</c>.</param>
/// <param name="Noun">One of them: <c>ruleset</c>.</param>
/// <param name="Read">Takes the list out of a document.</param>
/// <param name="Write">Puts another list in its place.</param>
/// <param name="Key">What tells two apart: a name, a selector, a network.</param>
internal sealed record PolicySection<T>(
    string Name,
    string Noun,
    Func<PolicyDocument, IReadOnlyList<T>> Read,
    Func<PolicyDocument, IReadOnlyList<T>, PolicyDocument> Write,
    Func<T, string> Key)
{
    /// <summary>Everything of both; where they share a key, the edit's, after <paramref name="onto"/> has seen the old and the edit.</summary>
    public PolicyDocument Merge(PolicyDocument policy, PolicyDocument edits, Func<T, T, T>? onto = null)
    {
        var incoming = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var edit in Read(edits))
        {
            if (!incoming.TryAdd(Key(edit), edit))
            {
                throw new Failure(ExitCode.Refused, $"The {Noun} '{Key(edit)}' stands twice; nothing was changed.", "Leave one of the two out.");
            }
        }

        var merged = new List<T>();
        foreach (var old in Read(policy))
        {
            merged.Add(!incoming.Remove(Key(old), out var edit) ? old : onto is null ? edit : onto(old, edit));
        }

        return Write(policy, [.. merged, .. incoming.Values]);
    }

    /// <summary>Without some; fails, naming those that are not there.</summary>
    public PolicyDocument Without(PolicyDocument policy, IReadOnlyList<string> keys)
    {
        var missing = keys.Except(Read(policy).Select(Key)).ToList();
        return missing.Count == 0
            ? Write(policy, [.. Read(policy).Where(item => !keys.Contains(Key(item)))])
            : throw new Failure(ExitCode.NotFound, $"The draft has no {Noun} '{string.Join("', '", missing)}'; nothing was deleted.", $"What there is: bulkhead {Command} list");
    }

    /// <summary>One of them; fails if it is not there.</summary>
    public T Find(PolicyDocument policy, string key) =>
        Read(policy).FirstOrDefault(item => Key(item) == key)
        ?? throw new Failure(ExitCode.NotFound, $"The draft has no {Noun} '{key}'.", $"What there is: bulkhead {Command} list");

    /// <summary>The command for them.</summary>
    public string Command => JsonNamingPolicy.KebabCaseLower.ConvertName(Name);
}

/// <summary>The sections of a policy document.</summary>
internal static class PolicySections
{
    public static PolicySection<RulesetDocument> Rulesets { get; } =
        new("rulesets", "ruleset", policy => policy.Rulesets, (policy, rulesets) => policy with { Rulesets = rulesets }, ruleset => ruleset.Name);

    public static PolicySection<ServiceDocument> Services { get; } =
        new("services", "service", policy => policy.Services, (policy, services) => policy with { Services = services }, service => service.Name);

    public static PolicySection<NetworkDocument> Networks { get; } =
        new("networks", "network", policy => policy.Networks, (policy, networks) => policy with { Networks = networks }, network => network.Name);

    public static PolicySection<LabelGroupDocument> LabelGroups { get; } =
        new("labelGroups", "label group", policy => policy.LabelGroups, (policy, groups) => policy with { LabelGroups = groups }, group => group.Name);

    public static PolicySection<AssertionDocument> Assertions { get; } =
        new("assertions", "assertion", policy => policy.Assertions, (policy, assertions) => policy with { Assertions = assertions }, assertion => assertion.Name);

    public static PolicySection<PlanDocument> Plans { get; } =
        new("plans", "plan for the selector", policy => policy.Plans, (policy, plans) => policy with { Plans = plans }, plan => plan.Selector);

    public static PolicySection<ModeDocument> Modes { get; } =
        new("modes", "mode for the selector", policy => policy.Modes, (policy, modes) => policy with { Modes = modes }, mode => mode.Selector);

    public static PolicySection<FailSafeDocument> FailSafe { get; } =
        new("failSafe", "fail-safe entry for the network", policy => policy.FailSafe, (policy, failSafe) => policy with { FailSafe = failSafe }, entry => entry.Network);

    /// <summary>Both, one after the other; what stands in both stays in twice, for the check to complain about.</summary>
    public static PolicyDocument Join(PolicyDocument first, PolicyDocument second) => new()
    {
        Rulesets = [.. first.Rulesets, .. second.Rulesets],
        Services = [.. first.Services, .. second.Services],
        Networks = [.. first.Networks, .. second.Networks],
        Modes = [.. first.Modes, .. second.Modes],
        FailSafe = [.. first.FailSafe, .. second.FailSafe],
        LabelGroups = [.. first.LabelGroups, .. second.LabelGroups],
        Plans = [.. first.Plans, .. second.Plans],
        Assertions = [.. first.Assertions, .. second.Assertions],
    };

    /// <summary>The policy with the edits in it: objects with a key that it has are replaced, others added, the rest stays.</summary>
    public static PolicyDocument Merge(PolicyDocument policy, PolicyDocument edits)
    {
        policy = Rulesets.Merge(policy, edits, KeepRuleIds);
        policy = Services.Merge(policy, edits);
        policy = Networks.Merge(policy, edits);
        policy = LabelGroups.Merge(policy, edits);
        policy = Assertions.Merge(policy, edits);
        policy = Plans.Merge(policy, edits);
        policy = Modes.Merge(policy, edits);
        return FailSafe.Merge(policy, edits);
    }

    /// <summary>A rule without an id that says what a rule of the old ruleset says is that rule; so applying a file twice changes nothing.</summary>
    private static RulesetDocument KeepRuleIds(RulesetDocument old, RulesetDocument edit)
    {
        var taken = edit.Rules.Select(rule => rule.Id).ToHashSet();
        var known = old.Rules.Where(rule => !taken.Contains(rule.Id)).ToLookup(Content, rule => rule.Id).ToDictionary(group => group.Key, group => new Queue<long>(group));
        return edit with
        {
            Rules = [.. edit.Rules.Select(rule => rule.Id == 0 && known.TryGetValue(Content(rule), out var ids) && ids.TryDequeue(out var id) ? rule with { Id = id } : rule)],
        };
    }

    private static string Content(RuleDocument rule) => JsonSerializer.Serialize(rule with { Id = 0 }, PolicyJson.Default.RuleDocument);
}
