using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Policies.Approvals;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Labels;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Workloads;

/// <summary><c>/api/v1/label-keys</c>: the keys that exist besides the built-in ones. A key in use cannot be removed.</summary>
public static class LabelKeyEndpoints
{
    private const int MaxKeys = 200;

    /// <summary>Maps them.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/label-keys", (LiveState live) => TypedResults.Ok(ToView(live.Current))).Requires(Permission.Read).WithSummary("The label keys.");
        api.MapPut("/label-keys", ReplaceAsync).Requires(Permission.Label).WithSummary("Replace the declared label keys.");
    }

    private static async Task<Results<Ok<LabelKeys>, ProblemResult>> ReplaceAsync(LabelKeys request, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation)
    {
        var outcome = await ledger.WriteAsync<LabelKeys>(user.Caller(), Permission.Label, async (edit, caller, token) =>
        {
            if (Reach.Of(caller, Permission.Label, edit.Before.LabelKeys).RefuseUnlessUnbounded("the list of label keys") is { } beyond)
            {
                return beyond;
            }

            var declared = request.Declared.Except(LabelText.BuiltInKeys, StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal);
            var problems = declared.Where(key => !LabelText.IsKey(key)).Select(key => Diagnostic.Error(
                "bad-label-key", $"declared[{key}]", $"'{key}' is not a label key. A key has up to 63 lower-case letters, digits, '.', '_' or '-', and starts with a letter.")).ToList();
            if (declared.Count > MaxKeys)
            {
                problems.Add(Diagnostic.Error("too-many-keys", "declared", $"There may be {MaxKeys} declared keys."));
            }

            var removed = edit.Before.DeclaredKeys.Except(declared).ToList();
            problems.AddRange(removed.SelectMany(key => Uses(key, declared, edit.Before)));
            problems.AddRange(removed.Count == 0 ? [] : await ScopesAsync(edit, removed, token).ConfigureAwait(false));
            if (problems.Count > 0)
            {
                return Problems.Invalid(problems);
            }

            await edit.Database.LabelKeys.Where(row => !declared.Contains(row.Key)).ExecuteDeleteAsync(token).ConfigureAwait(false);
            edit.Database.LabelKeys.AddRange(declared.Except(edit.Before.DeclaredKeys).Select(key => new LabelKeyRow { Key = key }));
            edit.Touch(ChangeKind.LabelKeys);
            edit.Audit("label-keys.write", "label keys", $"Declared: {(declared.Count == 0 ? "none" : string.Join(", ", declared.Order(StringComparer.Ordinal)))}.", edit.Before.DeclaredKeys);
            return ToView(await edit.PreviewAsync(token).ConfigureAwait(false));
        }, cancellation).ConfigureAwait(false);
        return outcome.Ok();
    }

    /// <summary>Who uses a key that is to go.</summary>
    private static IEnumerable<Diagnostic> Uses(string key, HashSet<string> declared, LiveSnapshot snapshot)
    {
        var workloads = snapshot.Entries.Values.Where(entry => entry.Workload.Labels[key] is not null).Select(entry => entry.Workload.Name).Order(StringComparer.Ordinal).ToList();
        if (workloads.Count > 0)
        {
            yield return Diagnostic.Error("label-key-in-use", $"declared[{key}]", $"{workloads.Count} workloads have the key '{key}', such as {workloads[0]}. Remove their labels first.");
        }

        var rest = declared.Union(LabelText.BuiltInKeys).ToHashSet(StringComparer.Ordinal);
        foreach (var (what, document) in new (string, PolicyDocument?)[] { ("draft", snapshot.DraftPolicy.Document), ("newest revision", snapshot.Provisioned.Document), ("policy that it reverts to", snapshot.Provisioned.Trial?.Before) })
        {
            var uses = PolicyParser.Parse(document ?? new(), rest).Diagnostics.Where(d => d.Code == "unknown-label-key" && d.Message.Contains($"'{key}'", StringComparison.Ordinal)).ToList();
            if (uses.Count > 0)
            {
                yield return Diagnostic.Error("label-key-in-use", $"declared[{key}]", $"The {what} uses the key '{key}', at {uses[0].Path}. Change it there first.");
            }
        }
    }

    /// <summary>Whose scope speaks of keys that are to go; it would cover nothing from then on.</summary>
    private static async Task<List<Diagnostic>> ScopesAsync(Edit edit, List<string> removed, CancellationToken cancellation)
    {
        var accounts = await edit.Database.Accounts.AsNoTracking().Select(row => new { What = "account", row.Name, row.Grants }).ToListAsync(cancellation).ConfigureAwait(false);
        var keys = await edit.Database.ApiKeys.AsNoTracking().Select(row => new { What = "API key", row.Name, row.Grants }).ToListAsync(cancellation).ConfigureAwait(false);
        var approved = await ApprovalScopes.WrittenAsync(edit.Database, cancellation).ConfigureAwait(false);
        return
        [
            .. from scope in approved.Select(text => Reach.Parse(text, edit.Before.LabelKeys, [])).OfType<Selector>()
               from key in removed.Where(scope.Mentions)
               select Diagnostic.Error("label-key-in-use", $"declared[{key}]", $"Provisioning for {scope} takes a second person, by the approval setting. Change it first."),
            .. from holder in accounts.Concat(keys)
               from scope in StoredText.Grants(holder.Grants).Select(grant => Reach.Parse(grant.Scope, edit.Before.LabelKeys, [])).OfType<Selector>()
               from key in removed.Where(scope.Mentions)
               select Diagnostic.Error("label-key-in-use", $"declared[{key}]", $"The {holder.What} {holder.Name} has a grant for {scope}. Change it first."),
        ];
    }

    private static LabelKeys ToView(LiveSnapshot snapshot) => new(LabelText.BuiltInKeys, [.. snapshot.DeclaredKeys]);
}
