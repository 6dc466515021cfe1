using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Policies;

/// <summary>A new revision on its way to the hosts.</summary>
internal static class Rollout
{
    /// <summary>Whether to stay until the hosts have it.</summary>
    public static Option<bool> Wait { get; } = new("--wait") { Description = "Wait until every connected host that it affects has applied or refused it." };

    /// <summary>How long to stay.</summary>
    public static Option<Duration> Patience { get; } = CommonOptions.Duration("--timeout", "With --wait, at most so long", TimeSpan.FromMinutes(2));

    /// <summary>
    /// Makes a revision and shows it; with <c>--wait</c> once it is rolled out. The result is the exit code: refused if a host refused the policy.
    /// </summary>
    public static async Task<int> FollowAsync(Call call, Func<Task<RevisionView>> provision)
    {
        var revision = await provision().ConfigureAwait(false);
        if (call.Value(Wait) && !IsOver(revision))
        {
            revision = await call.WaitAsync($"Rolling revision {revision.Number} out", OverAsync(call, revision)).ConfigureAwait(false);
        }

        call.Show(revision, _ =>
        {
            call.Done($"Revision {revision.Number} is provisioned. {Sentence(revision.Rollout)}");
            if (revision.Trial is { State: TrialState.Running } trial)
            {
                call.Done($"It is in force {Sentence(trial)}. To keep it: bulkhead revisions confirm {revision.Number}");
            }
        });
        return revision.Rollout is { Failed.Count: > 0 } ? ExitCode.Refused : ExitCode.Ok;
    }

    /// <summary>How far it has come.</summary>
    public static string Sentence(RolloutView? rollout)
    {
        if (rollout is null)
        {
            return "A newer revision has taken its place.";
        }

        var parts = new List<string> { $"{rollout.Applied} of {rollout.Affected.Of("affected host")} {(rollout.Affected == 1 ? "enforces" : "enforce")} it" };
        Add("waiting for", rollout.Waiting);
        Add("offline, with their older policy:", rollout.Offline);
        Add("refused by", rollout.Failed);
        return string.Join("; ", parts) + ".";

        void Add(string words, IReadOnlyList<string> hosts)
        {
            if (hosts.Count > 0)
            {
                parts.Add($"{words} {string.Join(", ", hosts)}");
            }
        }
    }

    /// <summary>For how long it is in force.</summary>
    public static string Sentence(TrialView trial) => trial.Ended
        ?? $"until {trial.Until:u}{(trial.RevertOnBlock ? ", or the first unexpected block" : "")}{(trial.Problem is { } problem ? $"; it could not be reverted so far: {problem}" : "")}";

    private static bool IsOver(RevisionView revision) => revision.Rollout is null or { Waiting.Count: 0 };

    private static async Task<RevisionView> OverAsync(Call call, RevisionView revision)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(call.Cancel);
        patience.CancelAfter(call.Value(Patience).Length);
        try
        {
            await foreach (var live in call.Controller.EventsAsync(watch: null, patience.Token).ConfigureAwait(false))
            {
                if (live is null or { Kind: "rollout" or "revision" or "workloads" })
                {
                    revision = await call.Controller.GetAsync<RevisionView>(Query.Path("policy/revisions", revision.Number), patience.Token).ConfigureAwait(false);
                    if (IsOver(revision))
                    {
                        return revision;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (!call.Cancel.IsCancellationRequested)
        {
            throw new Failure(ExitCode.Refused, $"Revision {revision.Number} is provisioned, but not everywhere in time. {Sentence(revision.Rollout)}", $"See: bulkhead revisions show {revision.Number}");
        }

        throw new Failure(ExitCode.Unreachable, "The controller ended the stream of events.", $"See: bulkhead revisions show {revision.Number}");
    }
}
