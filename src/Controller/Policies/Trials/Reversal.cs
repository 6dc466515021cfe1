using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Policies.Trials;

/// <summary>
/// Takes back what was provisioned for a time: the policy before it becomes a new revision. Decided in the transaction, so that of several controllers
/// one does it, and never if somebody confirmed it or provisioned something meanwhile. The draft keeps what was tried.
/// </summary>
public sealed class Reversal(Ledger ledger, TimeProvider time, LiveState live, ILogger<Reversal> logger) : BackgroundService
{
    private static readonly TimeSpan s_retry = TimeSpan.FromMinutes(1);
    private long _tried;

    /// <summary>Takes a revision back, if that is still to be done.</summary>
    /// <param name="revision">Which.</param>
    /// <param name="early">Why before its time, a sentence; null if its time is over, or to say again what made it due.</param>
    /// <param name="isDue">Whether it is to be done, by the state at the moment when it is.</param>
    /// <param name="cancellation">Counts until the commit begins.</param>
    public async Task RevertAsync(long revision, string? early, Func<Trial, DateTimeOffset, bool> isDue, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(isDue);
        Interlocked.Exchange(ref _tried, time.GetUtcNow().ToUnixTimeMilliseconds());
        var outcome = await ledger.WriteAsync<bool>(Ledger.System, async (edit, token) =>
        {
            if (edit.Before.Provisioned is not { Trial: { } trial } enforced || enforced.Number != revision || !isDue(trial, edit.Now))
            {
                return Outcomes.Tried(false);
            }

            if (trial.ModelBefore is null)
            {
                return Hosting.Problems.Conflict("unreadable", $"Revision {trial.Parent} can no longer be read.");
            }

            var why = early ?? trial.Cause ?? "Its time was over and nobody had confirmed it.";
            var added = await Revisions.AddAsync(edit, trial.Before, $"Revision {revision} was in force for a time. {why}", trial.Parent == 0 ? null : trial.Parent, _ => [], goesBack: true, token).ConfigureAwait(false);
            if (added.Refusal is { } refusal)
            {
                return refusal;
            }

            await TrialEdits.EndAsync(edit, TrialState.Reverted, $"{why} Revision {added.Value!.Number} has the policy before it.", token).ConfigureAwait(false);
            return true;
        }, cancellation).ConfigureAwait(false);
        if (outcome.Refusal is { } problem)
        {
            var errors = problem.Diagnostics.Where(d => d.Severity == "error").Select(d => $"{d.Path}: {d.Message}");
            await NoteAsync(revision, early, string.Join(" ", errors.DefaultIfEmpty(problem.Title)), cancellation).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => SnapshotAlarm.RunAsync(live, time, logger, "reverting a revision", Next, EndAsync, stoppingToken);

    private DateTimeOffset? Next(LiveSnapshot snapshot) => snapshot.Provisioned.Trial switch
    {
        null => null,
        { Problem: not null } => DateTimeOffset.FromUnixTimeMilliseconds(Interlocked.Read(ref _tried)) + s_retry,
        var trial => trial.Until,
    };

    private Task EndAsync(CancellationToken cancellation) =>
        RevertAsync(live.Current.Provisioned.Number, null, (trial, now) => trial.Until <= now || trial.Problem is not null, cancellation);

    /// <summary>Says, once, that it could not be taken back.</summary>
    private async Task NoteAsync(long revision, string? early, string problem, CancellationToken cancellation)
    {
        Log.NotReverted(logger, revision, problem);
        await ledger.WriteAsync<bool>(Ledger.System, async (edit, token) =>
        {
            if (await edit.Database.Trials.SingleOrDefaultAsync(t => t.Revision == revision && t.State == TrialState.Running, token).ConfigureAwait(false) is not { } row || row.Problem == problem)
            {
                return Outcomes.Tried(false);
            }

            (row.Problem, row.Cause) = (problem, row.Cause ?? early);
            edit.Touch(ChangeKind.Trial);
            edit.Audit("policy.trial-stuck", $"revision {revision}", $"It was to be reverted and could not be; it is in force still, and this is tried on. {problem}");
            return true;
        }, cancellation).ConfigureAwait(false);
    }
}
