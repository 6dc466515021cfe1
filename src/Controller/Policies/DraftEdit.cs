using System.Text.Json;
using System.Text.Json.Nodes;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Documents;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Policies;

/// <summary>The one way to change the draft: whatever an endpoint edits, the whole document that results is checked, and refused whole.</summary>
public static class DraftEdit
{
    /// <summary>Runs an edit of the draft.</summary>
    /// <param name="ledger">The writer.</param>
    /// <param name="caller">Who; what the draft says outside the scope of their grants must stay.</param>
    /// <param name="ifMatch">The value of the <c>If-Match</c> header, or null to edit whatever is there.</param>
    /// <param name="detail">What is done, for the audit log.</param>
    /// <param name="change">Makes the new document of the old one.</param>
    /// <param name="cancellation">Counts until the commit begins.</param>
    public static Task<Outcome<LiveSnapshot>> RunAsync(
        Ledger ledger, Caller caller, string? ifMatch, string detail, Func<PolicyDocument, Outcome<PolicyDocument>> change, CancellationToken cancellation) =>
        ledger.WriteAsync<LiveSnapshot>(caller, Permission.Draft, async (edit, now, token) =>
        {
            var before = edit.Before.DraftPolicy;
            if (ifMatch is not null && ifMatch.Trim() is var tag && tag != "*" && tag.Trim('"') != before.Version.ToString(System.Globalization.CultureInfo.InvariantCulture))
            {
                return Changed(before.Version);
            }

            var changed = change(before.Document);
            if (changed.Refusal is { } refusal)
            {
                return refusal;
            }

            var nulls = Nulls(changed.Value!);
            if (nulls.Count > 0)
            {
                return Problems.Invalid(nulls);
            }

            var (document, unknown) = await AssignIdsAsync(edit, changed.Value!, token).ConfigureAwait(false);
            var model = PolicyParser.Parse(document, edit.Before.LabelKeys);
            if (unknown.Count > 0 || !model.Ok)
            {
                return Problems.Invalid(unknown.Concat(model.Diagnostics));
            }

            if (PolicyBounds.Refuse(Reach.Of(now, Permission.Draft, edit.Before.LabelKeys), before.Document, before.Model.Value, document, model.Value!) is { } beyond)
            {
                return beyond;
            }

            await StoreAsync(edit, document, token).ConfigureAwait(false);
            edit.Audit("policy.draft", "draft", detail, PolicyDiff.Diff(before.Document, document).Count == 0 ? null : before.Document);
            return await edit.PreviewAsync(token).ConfigureAwait(false);
        }, cancellation);

    /// <summary>The refusal of an edit of a draft that somebody else changed.</summary>
    public static Problem Changed(long version) =>
        Problems.Conflict("draft-changed", $"The draft was changed meanwhile (it is at version {version}); nothing was changed.", "Load the draft again and repeat the edit.");

    /// <summary>Makes a checked document the draft.</summary>
    public static async Task StoreAsync(Edit edit, PolicyDocument document, CancellationToken cancellation)
    {
        var held = await edit.Database.Draft.ToDictionaryAsync(row => (row.Kind, row.Name), cancellation).ConfigureAwait(false);
        foreach (var wanted in DraftObjects.FromDocument(document))
        {
            if (held.Remove((wanted.Kind, wanted.Name), out var row))
            {
                row.Body = wanted.Body;
            }
            else
            {
                edit.Database.Draft.Add(wanted);
            }
        }

        edit.Database.Draft.RemoveRange(held.Values);
        await edit.NextAsync(Counters.Draft, 1, cancellation).ConfigureAwait(false);
        edit.Touch(ChangeKind.Draft);
    }

    private static async Task<(PolicyDocument Document, List<Diagnostic> Problems)> AssignIdsAsync(Edit edit, PolicyDocument document, CancellationToken cancellation)
    {
        var problems = new List<Diagnostic>();
        var given = await edit.NextAsync(Counters.Rule, 0, cancellation).ConfigureAwait(false);
        foreach (var ruleset in document.Rulesets)
        {
            problems.AddRange(ruleset.Rules.Select((rule, i) => (rule, i)).Where(pair => pair.rule.Id > given).Select(pair => Diagnostic.Error(
                "unknown-rule-id", $"rulesets[{ruleset.Name}].rules[{pair.i}].id", $"Rule id {pair.rule.Id} was never given out here. Leave it out, or write 0, in a new rule.")));
        }

        var next = given;
        document = document with
        {
            Rulesets = [.. document.Rulesets.Select(ruleset => ruleset with { Rules = [.. ruleset.Rules.Select(rule => rule.Id == 0 ? rule with { Id = ++next } : rule)] })],
        };
        await edit.NextAsync(Counters.Rule, next - given, cancellation).ConfigureAwait(false);
        return (document, problems);
    }

    /// <summary>Lists with null in them, which JSON allows and no list here does.</summary>
    private static List<Diagnostic> Nulls(PolicyDocument document)
    {
        var problems = new List<Diagnostic>();
        Walk(JsonSerializer.SerializeToNode(document, PolicyJson.Default.PolicyDocument), "", problems);
        return problems;
    }

    private static void Walk(JsonNode? node, string path, List<Diagnostic> problems)
    {
        switch (node)
        {
            case JsonObject @object:
                foreach (var (name, value) in @object)
                {
                    Walk(value, path.Length == 0 ? name : $"{path}.{name}", problems);
                }

                break;
            case JsonArray array:
                for (var i = 0; i < array.Count; i++)
                {
                    if (array[i] is null)
                    {
                        problems.Add(Diagnostic.Error("null-entry", $"{path}[{i}]", "The entry is null. Remove it, or write what it should say."));
                    }

                    Walk(array[i], $"{path}[{i}]", problems);
                }

                break;
        }
    }
}
