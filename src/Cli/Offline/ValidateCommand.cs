using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.Policy;
using Bulkhead.Policy.Health;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Offline;

/// <summary>A problem of a file, for programs; the evidence names all hosts, or the first ports and labels, that show it.</summary>
internal sealed record FileProblem(string Severity, string Code, string File, int Line, int Column, string Path, string Message, IReadOnlyList<string> Evidence)
{
    public static FileProblem Of(FileDiagnostic problem, IReadOnlyList<string> evidence) => new(
        Words.Name(problem.Found.Severity), problem.Found.Code, problem.At.File, problem.At.Line, problem.At.Column, problem.Found.Path, problem.Found.Message, evidence);
}

/// <summary><c>bulkhead policy validate</c>: every problem of policy files, as the controller would find them.</summary>
internal static class ValidateCommand
{
    private static readonly Option<bool> Health = new("--health") { Description = "Look at every rule too: shadowed, redundant, never matching, expired, expiring, missing at some host." };
    private static readonly Option<bool> Strict = new("--strict") { Description = "Exit with 1 on warnings too." };

    public static Command Create(CliHost host) => new Command("validate", "Check files as one policy, as the controller would; with an inventory, also against its workloads.")
        .With(OfflineOptions.Paths, OfflineOptions.Inventory, OfflineOptions.LabelKeys, Health, Strict).Runs(host, RunAsync);

    private static async Task<int> RunAsync(Call call)
    {
        var policy = await OfflinePolicy.LoadAsync(call).ConfigureAwait(false);
        var problems = policy.Problems;
        var evidence = new Dictionary<FileDiagnostic, IReadOnlyList<string>>();
        if (call.Value(Health) && !policy.HasErrors)
        {
            var report = await call.WaitAsync("Looking at every rule", Task.Run(() => Examine(policy, call.Now).ToList(), call.Cancel)).ConfigureAwait(false);
            problems = FileDiagnostic.Sort([.. problems, .. report.Select(one => one.Found)]);
            foreach (var (found, names) in report)
            {
                evidence[found] = names;
            }
        }

        var errors = problems.Count(problem => problem.Found.Severity == Severity.Error);
        var warnings = problems.Count - errors;
        call.Show(problems.Select(problem => FileProblem.Of(problem, evidence.GetValueOrDefault(problem) ?? [])).ToList(), _ =>
        {
            call.Terminal.Report(problems.Select(OfflinePolicy.View));
            call.Done(errors > 0 ? $"{errors.Of("error")}; the controller would refuse this."
                : warnings > 0 ? $"The policy is well-formed, with {warnings.Of("warning")}."
                : "The policy is well-formed.");
        });
        return errors > 0 || (warnings > 0 && call.Value(Strict)) ? ExitCode.Refused : ExitCode.Ok;
    }

    /// <summary>What rule health finds, but for ends that choose no workload and expired rules, where compiling has told them already.</summary>
    private static IEnumerable<(FileDiagnostic Found, IReadOnlyList<string> Evidence)> Examine(OfflinePolicy policy, DateTimeOffset now)
    {
        var report = RuleHealth.Check(new() { Policy = policy.Model!, Now = now, Workloads = policy.Compiled?.Workloads, LeftOut = policy.Compiled?.LeftOut ?? [] });
        var undecided = report.Undecided.Select(rule => Diagnostic.Warning(
            "health-undecided", $"rulesets[{policy.Folder.Rule(rule)!.Ruleset.Name}].rules[id={rule}]", "Whether other rules cover this one could not be decided within the bound. Make them simpler to know."));
        return report.Findings.Where(finding => policy.Compiled is null || finding.Code is not (HealthCode.NoLiveWorkload or HealthCode.Expired)).Select(finding => (Found: finding.ToDiagnostic(), Evidence: (IReadOnlyList<string>)[.. finding.Evidence]))
            .Concat(undecided.Select(found => (Found: found, Evidence: (IReadOnlyList<string>)[])))
            .Select(one => (policy.Folder.Locate(one.Found with { Message = RuleNames.In(one.Found.Message, policy.Folder) }), one.Evidence));
    }
}
