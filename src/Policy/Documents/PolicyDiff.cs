using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace Bulkhead.Policy.Documents;

/// <summary>One difference between two policies.</summary>
/// <param name="Kind"><c>ruleset</c>, <c>service</c>, <c>network</c>, <c>labelGroup</c>, <c>modes</c>, <c>failSafe</c>, <c>plans</c> or <c>assertion</c>.</param>
/// <param name="Name">The object's name; empty for modes, failSafe and plans.</param>
/// <param name="Change"><c>added</c>, <c>changed</c> or <c>removed</c>.</param>
/// <param name="Details">A sentence for each rule, entry or field that differs.</param>
public sealed record ObjectChange(string Kind, string Name, string Change, EquatableArray<string> Details);

/// <summary>Says what differs between two policies, object by object and field by field.</summary>
public static class PolicyDiff
{
    /// <summary>The differences, by kind and name; none if the two say the same.</summary>
    public static IReadOnlyList<ObjectChange> Diff(PolicyDocument before, PolicyDocument after)
    {
        var changes = new List<ObjectChange>();
        (before, after) = (PolicyJson.Sort(before), PolicyJson.Sort(after));
        changes.AddRange(Named("ruleset", before.Rulesets, after.Rulesets, r => r.Name, PolicyJson.Default.RulesetDocument, RulesetDetails));
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
        string kind, IReadOnlyList<T> before, IReadOnlyList<T> after, Func<T, string> name, JsonTypeInfo<T> type, Func<T, T, IEnumerable<string>>? details)
    {
        var old = before.ToDictionary(name, StringComparer.Ordinal);
        var now = after.ToDictionary(name, StringComparer.Ordinal);
        foreach (var key in old.Keys.Union(now.Keys).Order(StringComparer.Ordinal))
        {
            if (!now.TryGetValue(key, out var new_))
            {
                yield return new(kind, key, "removed", []);
            }
            else if (!old.TryGetValue(key, out var old_))
            {
                yield return new(kind, key, "added", []);
            }
            else
            {
                var fields = Fields(JsonSerializer.SerializeToNode(old_, type)!.AsObject(), JsonSerializer.SerializeToNode(new_, type)!.AsObject(), details is null ? null : "rules");
                var all = fields.Concat(details?.Invoke(old_, new_) ?? []).ToEquatableArray();
                if (all.Count > 0)
                {
                    yield return new(kind, key, "changed", all);
                }
            }
        }
    }

    private static IEnumerable<string> RulesetDetails(RulesetDocument before, RulesetDocument after)
    {
        var old = before.Rules.Where(r => r.Id != 0).ToDictionary(r => r.Id);
        var now = after.Rules.Where(r => r.Id != 0).ToDictionary(r => r.Id);
        foreach (var rule in old.Values.Where(r => !now.ContainsKey(r.Id)))
        {
            yield return $"rule {rule.Id} removed: {Sentence(rule)}";
        }

        foreach (var rule in after.Rules.Where(r => !old.ContainsKey(r.Id)))
        {
            yield return $"rule {(rule.Id == 0 ? "(new)" : rule.Id)} added: {Sentence(rule)}";
        }

        foreach (var rule in now.Values.Where(r => old.ContainsKey(r.Id)))
        {
            var fields = Fields(
                JsonSerializer.SerializeToNode(old[rule.Id], PolicyJson.Default.RuleDocument)!.AsObject(),
                JsonSerializer.SerializeToNode(rule, PolicyJson.Default.RuleDocument)!.AsObject(),
                null);
            foreach (var field in fields)
            {
                yield return $"rule {rule.Id}: {field}";
            }
        }
    }

    private static string Sentence(RuleDocument rule) => $"{rule.Action} {rule.From} to {rule.To} on {string.Join(", ", rule.Services)}";

    private static IEnumerable<string> Fields(JsonObject before, JsonObject after, string? except)
    {
        foreach (var key in before.Select(p => p.Key).Union(after.Select(p => p.Key)).Where(key => key != except))
        {
            var (old, now) = (Text(before[key]), Text(after[key]));
            if (old != now)
            {
                yield return $"{key} changed from {old} to {now}";
            }
        }
    }

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
