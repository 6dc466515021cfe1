using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Policies;

/// <summary>
/// What every new revision passes, be it drafted or restored: warnings that the compilation for today's hosts, or today's admin sessions, give must be
/// acknowledged by whoever provisions, and are audited. A revision that was harmless when it was made need not be so now.
/// </summary>
public sealed class Acknowledgements(AdminSessions sessions)
{
    /// <summary>Adds a revision as <see cref="Revisions.AddAsync"/> does, unless it meets a warning that is not acknowledged.</summary>
    /// <param name="edit">The transaction.</param>
    /// <param name="document">Checked.</param>
    /// <param name="note">Why.</param>
    /// <param name="restoredFrom">The revision whose content it is, or null.</param>
    /// <param name="acknowledged">Codes of warnings that the author accepts.</param>
    /// <param name="cancellation">Counts until the commit begins.</param>
    public async Task<Outcome<RevisionRow>> AddAsync(
        Edit edit, PolicyDocument document, string note, long? restoredFrom, IReadOnlyList<string> acknowledged, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(edit);
        var accepted = new List<Diagnostic>();
        var added = await Revisions.AddAsync(edit, document, note, restoredFrom, compiled =>
        {
            var warnings = PolicyViews.LeftOut(compiled).Concat(sessions.CutBy(compiled, edit.Before.Enforced, edit.Now)).ToLookup(d => acknowledged.Contains(d.Code));
            accepted.AddRange(warnings[true]);
            return [.. warnings[false]];
        }, cancellation).ConfigureAwait(false);
        if (added.Value is { } revision && accepted.Count > 0)
        {
            edit.Audit("policy.acknowledge", $"revision {revision.Number}", string.Join(" ", accepted.Select(d => $"{d.Code}: {d.Message}")));
        }

        return added;
    }
}
