using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.Policy.Assertions;
using Bulkhead.Policy.Inventory;
using Spectre.Console;

namespace Bulkhead.Cli.Offline;

/// <summary>What became of an assertion, for programs.</summary>
/// <param name="Name">The assertion.</param>
/// <param name="Kind"><c>never</c> or <c>must</c>.</param>
/// <param name="Status"><c>held</c>, <c>unproven</c>, <c>conditional</c>, <c>violated</c> or <c>undecided</c>.</param>
/// <param name="File">Where it is written.</param>
/// <param name="Line">From 1.</param>
/// <param name="Owner">Who answers for it.</param>
/// <param name="Message">A sentence.</param>
/// <param name="Counterexample">The connection that shows it, in words.</param>
/// <param name="DecidedBy">The rules that decide the counterexample, with their places.</param>
/// <param name="NotYetEnforced">How many directions of real workloads are denied by the letter, but not yet enforced.</param>
internal sealed record AssertionOutcome(
    string Name, string Kind, string Status, string File, int Line, string? Owner, string Message, string? Counterexample, IReadOnlyList<RuleView> DecidedBy, int NotYetEnforced);

/// <summary><c>bulkhead policy assert</c>: proves the policy's own statements, for every workload that could exist.</summary>
internal static class AssertCommand
{
    public static Command Create(CliHost host) => new Command("assert", "Prove the policy's assertions for every workload that could exist; exit with 1 if one fails.")
        .With(OfflineOptions.Paths, OfflineOptions.Inventory, OfflineOptions.LabelKeys).Runs(host, RunAsync);

    private static async Task<int> RunAsync(Call call)
    {
        var policy = await OfflinePolicy.LoadSoundAsync(call).ConfigureAwait(false);
        var workloads = policy.Compiled?.Workloads ?? WorkloadIndex.Empty;
        var results = await call.WaitAsync("Proving the assertions", Task.Run(() => AssertionChecker.Check(policy.Model!, call.Now, workloads), call.Cancel)).ConfigureAwait(false);
        call.Show(results.Select(result => Outcome(policy, result)).ToList(), outcomes => Write(call, outcomes));
        return results.Any(result => result.StopsProvisioning) ? ExitCode.Refused : ExitCode.Ok;
    }

    private static AssertionOutcome Outcome(OfflinePolicy policy, AssertionResult result)
    {
        var at = policy.Folder.PlaceOf($"assertions[{result.Assertion.Name}]");
        var rules = new[] { result.Counterexample?.Outbound.Rule, result.Counterexample?.Inbound.Rule }.OfType<Policy.Rules.RuleId>().Distinct();
        return new(
            result.Assertion.Name,
            Words.Name(result.Assertion.Kind),
            Words.Name(result.Status),
            at.File,
            at.Line,
            policy.Folder.Document.Assertions.First(assertion => assertion.Name == result.Assertion.Name).Owner,
            result.Message,
            result.Counterexample?.ToString(),
            [.. rules.Select(rule => RuleView.Of(policy.Folder, rule))],
            result.NotYetEnforcedCount);
    }

    private static void Write(Call call, List<AssertionOutcome> outcomes)
    {
        var listing = new Listing("assertion", "status", "at", "owner", "because");
        foreach (var outcome in outcomes)
        {
            var colour = outcome.Status switch
            {
                "held" => Color.Green,
                "conditional" or "unproven" => Color.Yellow,
                _ => Color.Red,
            };
            var rules = string.Concat(outcome.DecidedBy.Select(rule => $" ({rule})"));
            listing.Row(outcome.Name, new(outcome.Status, new Style(colour)), $"{outcome.File}:{outcome.Line}", outcome.Owner, outcome.Message + rules);
        }

        listing.WriteTo(call.Terminal.Out, "The policy has no assertions.");
        if (outcomes.Count > 0)
        {
            call.Terminal.Note($"{outcomes.Count(outcome => outcome.Status == "held")} of {outcomes.Count.Of("assertion")} held.");
        }
    }
}
