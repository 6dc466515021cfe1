using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;
using Bulkhead.PolicyFiles;
using Spectre.Console;

namespace Bulkhead.Cli.Policies;

/// <summary><c>bulkhead revisions</c>: what was enforced when, by whom and why; and the way back.</summary>
internal static class RevisionsCommand
{
    private static readonly Argument<long> Number = new("N") { Description = "The revision's number." };
    private static readonly Option<bool> Policy = new("--policy") { Description = "Its whole policy instead." };
    private static readonly Option<string> Note = new("--note") { Description = "Why; it stays with the new revision.", HelpName = "TEXT", Required = true };

    public static Command Create(CliHost host) => new Command("revisions", "List, show and restore revisions.").With(
        new Command("list", "List them, newest first.").Runs(host, ListAsync),
        new Command("show", "Show one, with its changes and roll-out.").With(Number, Policy).Runs(host, ShowAsync),
        new Command("confirm", "Keep a revision that was provisioned for a time.").With(Number).Runs(host, async call =>
            call.Show(await call.SendAsync<RevisionView>(HttpMethod.Post, Query.Path("policy/revisions", call.Value(Number)) + "/confirm").ConfigureAwait(false), revision =>
                call.Done($"Revision {revision.Number} stays."))),
        new Command("restore", "Make a new revision with the content of an older one.").With(Number, Note, ProvisionCommand.Acknowledge, CommonOptions.Yes, Rollout.Wait, Rollout.Patience).Runs(host, RestoreAsync));

    private static async Task ListAsync(Call call)
    {
        var revisions = await call.GetAsync<RevisionView[]>("policy/revisions").ConfigureAwait(false);
        call.Show(revisions, _ =>
        {
            var listing = new Listing("revision", "when", "who", "note", "changes", "hash", "roll-out", "in force");
            foreach (var revision in revisions)
            {
                listing.Row(
                    revision.RestoredFrom is { } from ? $"{revision.Number} (as {from})" : revision.Number.Text(),
                    revision.Created.Ago(call.Now),
                    revision.Author,
                    revision.Note,
                    revision.Changes.Count.Text(),
                    revision.Hash[..Math.Min(12, revision.Hash.Length)],
                    revision.Rollout is { } rollout ? $"{rollout.Applied} of {rollout.Affected}" : "",
                    revision.Trial is { } trial ? trial.State == TrialState.Running ? Rollout.Sentence(trial) : Words.Name(trial.State) : "");
            }

            listing.WriteTo(call.Terminal.Out, "Nothing was provisioned yet.");
        });
    }

    private static async Task ShowAsync(Call call)
    {
        var path = Query.Path("policy/revisions", call.Value(Number));
        if (call.Value(Policy))
        {
            call.Show(await call.GetAsync<PolicyDocument>($"{path}/policy").ConfigureAwait(false), policy => call.Terminal.WriteText(Formatter.Write(policy)));
            return;
        }

        call.Show(await call.GetAsync<RevisionView>(path).ConfigureAwait(false), revision =>
        {
            Listing.Facts()
                .Row("revision", revision.Number.Text())
                .Row("note", revision.Note)
                .Row("by", revision.Author)
                .Row("approved by", revision.ApprovedBy ?? "-")
                .Row("when", $"{revision.Created:u}, {revision.Created.Ago(call.Now)}")
                .Row("after", revision.Parent == 0 ? "none" : revision.Parent.Text())
                .Row("restores", revision.RestoredFrom is { } from ? from.Text() : "-")
                .Row("in force", revision.Trial is { } trial ? Rollout.Sentence(trial) : "for good")
                .Row("hash", revision.Hash)
                .Row("roll-out", Rollout.Sentence(revision.Rollout))
                .WriteTo(call.Terminal.Out, "");
            call.Terminal.Out.WriteLine();
            DraftEdit.Changes(revision.Changes).WriteTo(call.Terminal.Out, "It changes nothing against the one before.");
        });
    }

    private static async Task<int> RestoreAsync(Call call)
    {
        if (!call.Confirmed($"Enforce the policy of revision {call.Value(Number)} again?"))
        {
            call.Terminal.Note("Nothing was changed.");
            return ExitCode.Refused;
        }

        var path = Query.Path("policy/revisions", call.Value(Number)) + "/restore";
        return await Rollout.FollowAsync(call, () => call.SendAsync<RevisionView>(HttpMethod.Post, path, new RestoreRevision(call.Required(Note), call.Value(ProvisionCommand.Acknowledge) ?? []))).ConfigureAwait(false);
    }
}
