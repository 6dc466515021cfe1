using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Policies.Trials;

/// <summary>The beginning and the end of a revision's being in force for a time, within the transactions that bring them.</summary>
public static class TrialEdits
{
    /// <summary>The code of the warning that what was in force for a time would stay for good; provisioning wants it acknowledged.</summary>
    public const string EndsTrial = "ends-trial";

    private static readonly TimeSpan s_least = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_most = TimeSpan.FromDays(30);

    /// <summary>Adds what is wrong with the time that somebody asks for.</summary>
    public static void Check(Provision request, ICollection<Diagnostic> problems)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.ForSeconds is { } seconds && (seconds < s_least.TotalSeconds || seconds > s_most.TotalSeconds))
        {
            problems.Add(Diagnostic.Error("bad-time", "forSeconds", $"A time lasts from {s_least.TotalSeconds:0} seconds to {s_most.TotalDays:0} days."));
        }

        if (request is { ForSeconds: null, RevertOnBlock: true })
        {
            problems.Add(Diagnostic.Error("no-time", "revertOnBlock", "What stays for good does not revert. Say for how long, too."));
        }
    }

    /// <summary>Lets the revision that is added next be in force for the time that is asked for, if one is.</summary>
    public static TrialRow? Begin(Edit edit, Provision request)
    {
        ArgumentNullException.ThrowIfNull(edit);
        if (request.ForSeconds is not { } seconds)
        {
            return null;
        }

        var row = new TrialRow
        {
            Revision = edit.Before.Provisioned.Number + 1,
            Until = edit.Now + TimeSpan.FromSeconds(seconds),
            OnBlock = request.RevertOnBlock,
            State = TrialState.Running,
        };
        edit.Database.Trials.Add(row);
        edit.Audit("policy.trial", $"revision {row.Revision}", $"It is in force until {row.Until:u}, unless it is confirmed{(row.OnBlock ? ", and at most until a host blocks what the policy before it would have let pass" : "")}.");
        return row;
    }

    /// <summary>The warning that a policy in place of one in force for a time leaves what that brought.</summary>
    public static IEnumerable<Diagnostic> EndedBy(LiveSnapshot snapshot, PolicyDocument document)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        return snapshot.Provisioned is { Trial: { } trial } enforced && PolicyDiff.Diff(trial.Before, document).Count > 0
            ? [Diagnostic.Warning(EndsTrial, "policy", $"Revision {enforced.Number} would have reverted by itself at {trial.Until:u}. What this keeps of it stays for good.")]
            : [];
    }

    /// <summary>Ends the running one, if there is one, since a revision takes its place.</summary>
    public static Task SupersedeAsync(Edit edit, RevisionRow revision, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(edit);
        return edit.Before.Provisioned.Trial is not { } trial ? Task.CompletedTask
            : PolicyDiff.Diff(trial.Before, StoredText.Policy(revision.Document)).Count == 0
            ? EndAsync(edit, TrialState.Reverted, $"{edit.Actor} went back to the policy before it, with revision {revision.Number}.", cancellation)
            : EndAsync(edit, TrialState.Superseded, $"{edit.Actor} provisioned revision {revision.Number} meanwhile: it does not revert by itself any more, and nothing is undone.", cancellation);
    }

    /// <summary>Ends the running one.</summary>
    public static async Task EndAsync(Edit edit, TrialState state, string how, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(edit);
        var number = edit.Before.Provisioned.Number;
        var row = await edit.Database.Trials.FindAsync([number], cancellation).ConfigureAwait(false) ?? throw new InvalidOperationException($"Revision {number} is in force for good.");
        (row.State, row.Ended, row.EndedAt, row.Problem) = (state, how, edit.Now, null);
        edit.Audit($"policy.trial-{state.ToString().ToLowerInvariant()}", $"revision {number}", how);
    }

    /// <summary>As REST shows it.</summary>
    public static TrialView? ToView(TrialRow? row) => row is null ? null : new(row.Until, row.OnBlock, row.State, row.Problem, row.Ended, row.EndedAt);
}
