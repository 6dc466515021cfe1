using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Rules;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Storage;

/// <summary>The newest revision's being in force for a time only.</summary>
/// <param name="Since">When it was provisioned.</param>
/// <param name="Until">When it reverts by itself.</param>
/// <param name="OnBlock">Whether an unexpected block reverts it.</param>
/// <param name="Problem">Why it could not be reverted so far; null if nothing is wrong.</param>
/// <param name="Cause">Why it was to be reverted before its time and could not be; null if that did not happen.</param>
/// <param name="Parent">The revision before it; 0 for none.</param>
/// <param name="Before">The policy before it, as written.</param>
/// <param name="ModelBefore">The same checked; null if it can no longer be read.</param>
public sealed record Trial(DateTimeOffset Since, DateTimeOffset Until, bool OnBlock, string? Problem, string? Cause, long Parent, PolicyDocument Before, PolicyModel? ModelBefore)
{
    /// <summary>Of a revision; null if it is in force for good.</summary>
    internal static async Task<Trial?> LoadAsync(ControllerDb database, long revision, IReadOnlySet<string> labelKeys, CancellationToken cancellation)
    {
        if (await database.Trials.AsNoTracking().SingleOrDefaultAsync(t => t.Revision == revision && t.State == TrialState.Running, cancellation).ConfigureAwait(false) is not { } row)
        {
            return null;
        }

        var (since, parent) = await database.Revisions.AsNoTracking().Where(r => r.Number == revision).Select(r => new ValueTuple<DateTimeOffset, long>(r.Created, r.Parent)).SingleAsync(cancellation).ConfigureAwait(false);
        var text = await database.Revisions.AsNoTracking().Where(r => r.Number == parent).Select(r => r.Document).SingleOrDefaultAsync(cancellation).ConfigureAwait(false);
        var before = text is null ? new() : StoredText.Policy(text);
        return new(since, row.Until, row.OnBlock, row.Problem, row.Cause, parent, before, PolicyParser.Parse(before, labelKeys).Value);
    }
}
