using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Policies;

/// <summary><c>bulkhead provision</c>: makes the draft, or some of its changes, a revision, after showing what that would do.</summary>
internal static class ProvisionCommand
{
    private static readonly Option<string?> Note = new("--note") { Description = "Why; it stays with the revision. Needed but with --plan.", HelpName = "TEXT" };
    internal static readonly Option<string[]> Only = new("--only") { Description = "Only this change of the draft, with all changes that it refers to; repeat for more.", HelpName = "KIND/NAME" };
    private static readonly Option<bool> Plan = new("--plan") { Description = "Show what it would do, and change nothing." };
    private static readonly Option<Duration?> For = CommonOptions.OptionalDuration("--for", "Revert by itself after so long, unless it is confirmed");
    private static readonly Option<bool> RevertOnBlock = new("--revert-on-block") { Description = "With --for, revert at once when a host blocks what the policy before would have let pass." };
    internal static readonly Option<string[]> Acknowledge = new("--acknowledge") { Description = "Accept a warning by its code; repeat for more.", HelpName = "CODE" };

    public static Command Create(CliHost host) => new Command("provision", "Enforce the draft, or some of its changes: show what that does, ask, and make it a revision.")
        .With(Note, Only, Plan, For, RevertOnBlock, Acknowledge, CommonOptions.Yes, Rollout.Wait, Rollout.Patience)
        .Runs(host, RunAsync);

    private static async Task<int> RunAsync(Call call)
    {
        var note = call.Value(Note);
        if (note is null && !call.Value(Plan))
        {
            throw Failure.Usage("--note is needed: it says why, and stays with the revision.");
        }

        var only = call.Value(Only) ?? [];
        var plan = await call.GetAsync<ProvisionPlan>(Query.Add("policy/draft/plan", [.. only.Select(part => ("only", (object?)part))])).ConfigureAwait(false);
        if (plan.Changes.Count == 0)
        {
            throw new Failure(ExitCode.Refused, "The draft changes nothing; there is nothing to provision.", "Edit it first, such as with: bulkhead rulesets apply FILE");
        }

        if (note is null || call.Value(Plan))
        {
            call.Show(plan, _ => PlanSheet.Write(call, plan, call.Terminal.Out));
            return ExitCode.Ok;
        }

        PlanSheet.Write(call, plan, call.Terminal.Error);
        if (!call.Confirmed("Enforce this?"))
        {
            call.Terminal.Note("Nothing was changed.");
            return ExitCode.Refused;
        }

        var request = new Provision(note, plan.DraftVersion, call.Value(Acknowledge) ?? [], only, (long?)call.Value(For)?.Length.TotalSeconds, call.Value(RevertOnBlock));
        return await Rollout.FollowAsync(call, () => call.SendAsync<RevisionView>(HttpMethod.Post, "policy/provision", request)).ConfigureAwait(false);
    }
}
