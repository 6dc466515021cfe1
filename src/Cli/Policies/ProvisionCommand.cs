using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Policies;

/// <summary><c>bulkhead provision</c>: makes the draft a revision, after showing what that would do.</summary>
internal static class ProvisionCommand
{
    private static readonly Option<string> Note = new("--note") { Description = "Why; it stays with the revision.", HelpName = "TEXT", Required = true };
    internal static readonly Option<string[]> Acknowledge = new("--acknowledge") { Description = "Accept a warning by its code; repeat for more.", HelpName = "CODE" };

    public static Command Create(CliHost host) => new Command("provision", "Enforce the draft: show what it does, ask, and make it a revision.")
        .With(Note, Acknowledge, CommonOptions.Yes, Rollout.Wait, Rollout.Patience)
        .Runs(host, RunAsync);

    private static async Task<int> RunAsync(Call call)
    {
        var draft = await call.GetAsync<DraftStatus>("policy/draft/changes").ConfigureAwait(false);
        if (draft.Changes.Count == 0)
        {
            throw new Failure(ExitCode.Refused, "The draft changes nothing; there is nothing to provision.", "Edit it first, such as with: bulkhead rulesets apply FILE");
        }

        var impact = await call.GetAsync<DraftImpact>("policy/draft/impact").ConfigureAwait(false);
        DraftEdit.Changes(draft.Changes).WriteTo(call.Terminal.Error, "");
        call.Terminal.Error.WriteLine();
        ImpactSheet.Write(call.Terminal, impact, call.Now, call.Terminal.Error);
        call.Terminal.Report(draft.Diagnostics);
        if (!call.Confirmed("Enforce this?"))
        {
            call.Terminal.Note("Nothing was changed.");
            return ExitCode.Refused;
        }

        var request = new Provision(call.Required(Note), draft.DraftVersion, call.Value(Acknowledge) ?? []);
        return await Rollout.FollowAsync(call, () => call.SendAsync<RevisionView>(HttpMethod.Post, "policy/provision", request)).ConfigureAwait(false);
    }
}
