using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Bulkhead.Policy.Documents;

/// <summary>One difference between two policies.</summary>
/// <param name="Kind"><c>ruleset</c>, <c>service</c>, <c>network</c>, <c>labelGroup</c>, <c>modes</c>, <c>failSafe</c>, <c>plans</c> or <c>assertion</c>.</param>
/// <param name="Name">The object's name; empty for modes, failSafe and plans.</param>
/// <param name="Change"><c>added</c>, <c>changed</c> or <c>removed</c>.</param>
/// <param name="Details">A sentence for each rule, entry or field that differs; of what is added or removed, for each that it has.</param>
public sealed record ObjectChange(string Kind, string Name, string Change, EquatableArray<string> Details);

/// <summary>Says what differs between two policies, object by object and field by field.</summary>
public static class PolicyDiff
{
    /// <summary>The differences, by kind and name; none if the two say the same.</summary>
    public static IReadOnlyList<ObjectChange> Diff(PolicyDocument before, PolicyDocument after)
    {
        var changes = new List<ObjectChange>();
        (before, after) = (PolicyJson.Sort(before), PolicyJson.Sort(after));
        changes.AddRange(Named("ruleset", before.Rulesets, after.Rulesets, r => r.Name, PolicyJson.Default.RulesetDocument, r => r.Rules));
        changes.AddRange(Named("service", before.Services, after.Services, s => s.Name, PolicyJson.Default.ServiceDocument, null));
        changes.AddRange(Named("network", before.Networks, after.Networks, n => n.Name, PolicyJson.Default.NetworkDocument, null));
        changes.AddRange(Named("labelGroup", before.LabelGroups, after.LabelGroups, g => g.Name, PolicyJson.Default.LabelGroupDocument, null));
        changes.AddRange(Listed("modes", before.Modes, after.Modes, m => $"{m.Selector}: inbound {m.Inbound}, outbound {m.Outbound}"));
        changes.AddRange(Listed("failSafe", before.FailSafe, after.FailSafe, f => $"{f.Network} on {string.Join(", ", f.Ports)}"));
        changes.AddRange(Listed("plans", before.Plans, after.Plans, p => $"{p.Selector} in {string.Join(", ", p.Networks)}"));
        changes.AddRange(Named("assertion", before.Assertions, after.Assertions, a => a.Name, PolicyJson.Default.AssertionDocument, null));
        return changes;
    }

    private static IEnumerable<ObjectChange> Named<T>(
        string kind, IReadOnlyList<T> before, IReadOnlyList<T> after, Func<T, string> name, JsonTypeInfo<T> type, Func<T, IReadOnlyList<RuleDocument>>? rules)
    {
        var old = before.ToDictionary(name, StringComparer.Ordinal);
        var now = after.ToDictionary(name, StringComparer.Ordinal);
        foreach (var key in old.Keys.Union(now.Keys).Order(StringComparer.Ordinal))
        {
            if (!now.TryGetValue(key, out var new_))
            {
                yield return new(kind, key, "removed", Whole(old[key]));
            }
            else if (!old.TryGetValue(key, out var old_))
            {
                yield return new(kind, key, "added", Whole(new_));
            }
            else
            {
                var all = Fields(Node(old_), Node(new_)).Where(field => rules is null || field.Key != "rules").Select(Changed).Concat(rules is null ? [] : Rules(rules(old_), rules(new_))).ToEquatableArray();
                if (all.Count > 0)
                {
                    yield return new(kind, key, "changed", all);
                }
            }
        }

        JsonObject Node(T item) => JsonSerializer.SerializeToNode(item, type)!.AsObject();

        EquatableArray<string> Whole(T item) => Node(item).Where(field => field.Key != "name" && (rules is null || field.Key != "rules") && field.Value is not JsonArray { Count: 0 })
            .Select(field => $"{field.Key} {Text(field.Value)}").Concat((rules?.Invoke(item) ?? []).Select(rule => $"rule {Id(rule)}: {RuleSentence.Of(rule)}")).ToEquatableArray();
    }

    private static IEnumerable<string> Rules(IReadOnlyList<RuleDocument> before, IReadOnlyList<RuleDocument> after)
    {
        var old = before.Where(r => r.Id != 0).ToDictionary(r => r.Id);
        var now = after.Where(r => r.Id != 0).ToDictionary(r => r.Id);
        foreach (var rule in old.Values.Where(r => !now.ContainsKey(r.Id)))
        {
            yield return $"rule {rule.Id} removed: {RuleSentence.Of(rule)}";
        }

        foreach (var rule in after.Where(r => !old.ContainsKey(r.Id)))
        {
            yield return $"rule {Id(rule)} added: {RuleSentence.Of(rule)}";
        }

        foreach (var rule in now.Values.Where(r => old.ContainsKey(r.Id)))
        {
            var fields = Fields(
                JsonSerializer.SerializeToNode(old[rule.Id], PolicyJson.Default.RuleDocument)!.AsObject(),
                JsonSerializer.SerializeToNode(rule, PolicyJson.Default.RuleDocument)!.AsObject());
            foreach (var field in fields)
            {
                yield return $"rule {rule.Id}: {Changed(field)}";
            }
        }
    }

    private static string Id(RuleDocument rule) => rule.Id == 0 ? "(new)" : rule.Id.ToString(CultureInfo.InvariantCulture);

    private static IEnumerable<(string Key, string Old, string Now)> Fields(JsonObject before, JsonObject after) =>
        before.Select(p => p.Key).Union(after.Select(p => p.Key)).Select(key => (key, Text(before[key]), Text(after[key]))).Where(field => field.Item2 != field.Item3);

    private static string Changed((string Key, string Old, string Now) field) => $"{field.Key} changed from {field.Old} to {field.Now}";

    private static string Text(JsonNode? node) => node switch
    {
        null => "nothing",
        JsonValue value when value.TryGetValue<string>(out var text) => $"'{text}'",
        _ => node.ToJsonString(),
    };

    private static IEnumerable<ObjectChange> Listed<T>(string kind, IReadOnlyList<T> before, IReadOnlyList<T> after, Func<T, string> sentence)
    {
        var (old, now) = (before.Select(sentence).ToList(), after.Select(sentence).ToList());
        var details = old.Except(now).Select(s => $"removed {s}").Concat(now.Except(old).Select(s => $"added {s}")).ToEquatableArray();
        if (details.Count > 0)
        {
            yield return new(kind, "", "changed", details);
        }
    }
}
