using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Policies;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy;
using Bulkhead.Policy.Labels;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Workloads;

/// <summary>
/// <c>POST /api/v1/workloads/labels</c>: edits labels, all or none. Labels are live: an edit changes at once what hosts enforce, so a dry run says which
/// enforcing hosts it would change, and the labels from before are kept in the audit log. It wants the same
/// warnings acknowledged as provisioning: an administrator locked out, and rules that hosts go without from then on.
/// </summary>
public static class EditLabelsEndpoint
{
    private const int MaxEdits = 10_000;

    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder workloads) =>
        workloads.MapPost("/labels", EditAsync).Requires(Permission.Label).WithSummary("Edit labels of any number of workloads, or say what that would do.");

    private static async Task<Results<Ok<LabelEditResult>, ProblemResult>> EditAsync(
        EditLabels request, ClaimsPrincipal user, Ledger ledger, WorkloadViews views, Acknowledgements acknowledgements, CancellationToken cancellation)
    {
        var outcome = await ledger.WriteAsync<LabelEditResult>(user.Caller(), Permission.Label, async (edit, caller, token) =>
        {
            var (changes, refusal) = Check(request, edit.Before, Reach.Of(caller, Permission.Label, edit.Before.LabelKeys));
            if (refusal is not null)
            {
                return refusal;
            }

            foreach (var (entry, labels) in changes)
            {
                var row = (await edit.Database.Workloads.FindAsync([entry.Workload.Id.Value], token).ConfigureAwait(false))!;
                row.Labels = StoredText.Of(labels);
                row.Version++;
                edit.Touch(entry.Workload.Id);
                edit.Audit("workload.labels", entry.Workload.Name, $"Labels changed from {Text(entry.Workload.Labels)} to {Text(labels)}.", StoredText.ToDictionary(entry.Workload.Labels));
            }

            var after = await edit.PreviewAsync(token).ConfigureAwait(false);
            var errors = after.Enforced.Diagnostics.Except(edit.Before.Enforced.Diagnostics).Where(d => d.Severity == Severity.Error).ToList();
            if (errors.Count > 0)
            {
                return Problems.Invalid(errors);
            }

            var enforcing = LiveEffect.EnforcingHosts(edit.Before, after);
            var edited = changes.SelectMany(change => new[] { change.Entry.Workload.Labels, change.Labels });
            if (!request.DryRun && LiveEffect.Refuse(caller, enforcing, edited, edit.Before.LabelKeys) is { } beyond)
            {
                return beyond;
            }

            // Labels can move a host to full just as a revision can.
            var warnings = acknowledgements.WarningsOf(edit.Before, after, edit.Now);
            if (Acknowledgements.Refuse(warnings, request.Acknowledge ?? []) is { } unacknowledged)
            {
                return unacknowledged;
            }

            if (warnings.Count > 0)
            {
                edit.Audit("workload.labels-acknowledge", $"{changes.Count} workloads", Acknowledgements.Sentence(warnings));
            }

            var result = new LabelEditResult(
                [.. changes.Select(change => views.Of(after.Entries[change.Entry.Workload.Id], after))], enforcing, !request.DryRun);
            return request.DryRun ? Outcomes.Tried(result) : result;
        }, cancellation).ConfigureAwait(false);
        return outcome.Ok();
    }

    private static (List<(WorkloadEntry Entry, LabelSet Labels)> Changes, Problem? Refusal) Check(EditLabels request, LiveSnapshot snapshot, Reach reach)
    {
        var problems = new List<Diagnostic>();
        var changes = new List<(WorkloadEntry Entry, LabelSet Labels)>();
        var stale = new List<string>();
        if (request.Edits.Count is 0 or > MaxEdits)
        {
            problems.Add(Diagnostic.Error("bad-edits", "edits", $"There must be 1 to {MaxEdits} edits."));
        }

        for (var i = 0; i < request.Edits.Count && i < MaxEdits; i++)
        {
            var edit = request.Edits[i];
            var path = $"edits[{i}]";
            if (edit is null)
            {
                problems.Add(Diagnostic.Error("null-entry", path, "The entry is null. Remove it."));
                continue;
            }

            var set = InputChecks.Labels(edit.Set, $"{path}.set", snapshot.LabelKeys, problems);
            var found = snapshot.Find(edit.Workload);
            if (found.Value is not { } entry)
            {
                problems.Add(Diagnostic.Error(found.Refusal!.Code, $"{path}.workload", $"{found.Refusal.Title} {found.Refusal.Detail}".TrimEnd()));
            }
            else if (changes.Any(change => change.Entry == entry))
            {
                problems.Add(Diagnostic.Error("repeated-workload", $"{path}.workload", $"'{edit.Workload}' is edited twice. Join the two edits."));
            }
            else
            {
                if (edit.Version is { } version && version != entry.Version)
                {
                    stale.Add(entry.Workload.Name);
                }

                changes.Add((entry, LabelSet.Of(entry.Workload.Labels.Labels.Where(label => !edit.Remove.Contains(label.Key)).Concat(set.Labels))));
            }
        }

        return (changes, problems.Count > 0 ? Problems.Invalid(problems)
            : stale.Count > 0 ? Problems.Conflict("changed-meanwhile", $"{string.Join(", ", stale)} changed meanwhile; nothing was changed.", "Load the workloads again and repeat the edit.")
            : reach.Refuse([.. changes.Where(change => !reach.Covers(change.Entry.Workload.Labels) || !reach.Covers(change.Labels)).Select(change => change.Entry.Workload.Name)]));
    }

    private static string Text(LabelSet labels) => labels.Labels.Length == 0 ? "none" : labels.ToString();
}
