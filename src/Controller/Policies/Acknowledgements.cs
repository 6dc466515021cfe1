using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Policies.Approvals;
using Bulkhead.Controller.Policies.Trials;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Controller.Policies;

/// <summary>
/// What every change of what hosts enforce passes, be it a revision, drafted or restored, or an edit of labels. A revision passes <see cref="ApprovalGate"/>
/// first. Warnings that the compilation for today's
/// hosts, or today's admin sessions, give must be acknowledged by whoever makes it, and are audited. A revision that was harmless when it was made need
/// not be so now.
/// </summary>
public sealed class Acknowledgements(AdminSessions sessions)
{
    /// <summary>Adds a revision as <see cref="Revisions.AddAsync"/> does, unless it lacks a second person's approval, or meets a warning that is not acknowledged.</summary>
    /// <param name="edit">The transaction.</param>
    /// <param name="document">As written.</param>
    /// <param name="model">The same checked.</param>
    /// <param name="note">Why.</param>
    /// <param name="restoredFrom">The revision whose content it is, or null.</param>
    /// <param name="acknowledged">Codes of warnings that the author accepts.</param>
    /// <param name="cancellation">Counts until the commit begins.</param>
    public async Task<Outcome<RevisionRow>> AddAsync(
        Edit edit, PolicyDocument document, PolicyModel model, string note, long? restoredFrom, IReadOnlyList<string> acknowledged, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(edit);
        var (approval, refusal) = await ApprovalGate.PassAsync(edit, document, model, cancellation).ConfigureAwait(false);
        if (refusal is not null)
        {
            return refusal;
        }

        var accepted = new List<Diagnostic>();
        var added = await Revisions.AddAsync(edit, document, note, restoredFrom, compiled =>
        {
            var warnings = PolicyViews.LeftOut(compiled).Concat(sessions.CutBy(compiled, edit.Before.Enforced, edit.Now)).Concat(TrialEdits.EndedBy(edit.Before, document)).ToLookup(d => acknowledged.Contains(d.Code));
            accepted.AddRange(warnings[true]);
            return [.. warnings[false]];
        }, goesBack: false, cancellation).ConfigureAwait(false);
        if (added.Value is not { } revision)
        {
            return added;
        }

        await TrialEdits.SupersedeAsync(edit, revision, cancellation).ConfigureAwait(false);
        if (accepted.Count > 0)
        {
            edit.Audit("policy.acknowledge", $"revision {revision.Number}", Sentence(accepted));
        }

        if (approval is not null)
        {
            (revision.ApprovedBy, approval.Revision) = (approval.ApprovedBy, revision.Number);
            edit.Audit("policy.approved", $"revision {revision.Number}", $"{approval.ApprovedBy} had approved it: request {approval.Number} of {approval.RequestedBy}.");
        }

        return added;
    }

    /// <summary>What a change other than a revision brings with it: rules that hosts go without from now on, and sessions that it would cut.</summary>
    public IReadOnlyList<Diagnostic> WarningsOf(LiveSnapshot before, LiveSnapshot after, DateTimeOffset now) =>
        [.. PolicyViews.LeftOut(after.Enforced).Except(PolicyViews.LeftOut(before.Enforced)).Concat(sessions.CutBy(after.Enforced, before.Enforced, now))];

    /// <summary>The refusal of a change with warnings that are not acknowledged; null if all are.</summary>
    public static Problem? Refuse(IEnumerable<Diagnostic> warnings, IReadOnlyList<string> acknowledged)
    {
        var open = warnings.Where(d => !acknowledged.Contains(d.Code)).ToList();
        return open.Count == 0 ? null : Problems.Conflict(
            "acknowledge", "There are warnings that must be accepted first; nothing was changed.",
            $"Look at each, then acknowledge {string.Join(", ", open.Select(d => $"'{d.Code}'").Distinct())}.", open);
    }

    /// <summary>Warnings as the audit log keeps them.</summary>
    public static string Sentence(IEnumerable<Diagnostic> warnings) => string.Join(" ", warnings.Select(d => $"{d.Code}: {d.Message}"));
}
