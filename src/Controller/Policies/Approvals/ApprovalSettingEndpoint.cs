using System.Security.Claims;
using System.Text.Json;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Labels;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Policies.Approvals;

/// <summary><c>/api/v1/settings/approval</c>: what only two people together may provision. Owners say it.</summary>
public static class ApprovalSettingEndpoint
{
    private const int Most = 50;

    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/settings/approval", ReadAsync).Requires(Permission.Read).WithSummary("The scopes whose provisioning takes a second person.");
        api.MapPut("/settings/approval", ReplaceAsync).Requires(Permission.ManageAccess).WithSummary("Replace the scopes whose provisioning takes a second person.");
    }

    private static async Task<Ok<ApprovalSetting>> ReadAsync(Ledger ledger, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        return TypedResults.Ok(new ApprovalSetting(await ApprovalScopes.WrittenAsync(database, cancellation).ConfigureAwait(false)));
    }

    private static async Task<Results<Ok<ApprovalSetting>, ProblemResult>> ReplaceAsync(ApprovalSetting request, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation)
    {
        var outcome = await ledger.WriteAsync<ApprovalSetting>(user.Caller(), Permission.ManageAccess, async (edit, _, token) =>
        {
            var problems = new List<Diagnostic>();
            if (request.Scopes.Count > Most)
            {
                problems.Add(Diagnostic.Error("too-many-scopes", "scopes", $"There may be {Most} scopes."));
            }

            // A text that is missing is a problem here, though elsewhere it is a grant without a scope.
            var scopes = request.Scopes.Take(Most).Select((scope, i) => Reach.Parse(scope ?? "", edit.Before.LabelKeys, problems, $"scopes[{i}]")).OfType<Selector>().ToList();
            if (problems.Count > 0)
            {
                return Problems.Invalid(problems);
            }

            var before = await ApprovalScopes.WrittenAsync(edit.Database, token).ConfigureAwait(false);
            List<string> after = [.. scopes.Select(scope => scope.ToString()).Distinct().Order(StringComparer.Ordinal)];
            var row = await edit.Database.Settings.FindAsync([SettingRow.ApprovalScopes], token).ConfigureAwait(false)
                ?? edit.Database.Settings.Add(new() { Name = SettingRow.ApprovalScopes }).Entity;
            row.Value = JsonSerializer.Serialize(after);
            edit.Audit("settings.approval", "approval", $"A second person approves provisioning for {Text(after)}; before, for {Text(before)}.", before);
            return new ApprovalSetting(after);
        }, cancellation).ConfigureAwait(false);
        return outcome.Ok();
    }

    private static string Text(IReadOnlyList<string> scopes) => scopes.Count == 0 ? "nothing" : string.Join(" or ", scopes);
}
