using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.Policy;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Offline;

/// <summary>A problem of a file, for programs.</summary>
internal sealed record FileProblem(string Severity, string Code, string File, int Line, int Column, string Path, string Message)
{
    public static FileProblem Of(FileDiagnostic problem) => new(
        Words.Name(problem.Found.Severity), problem.Found.Code, problem.At.File, problem.At.Line, problem.At.Column, problem.Found.Path, problem.Found.Message);
}

/// <summary><c>bulkhead policy validate</c>: every problem of policy files, as the controller would find them.</summary>
internal static class ValidateCommand
{
    public static Command Create(CliHost host) => new Command("validate", "Check files as one policy, as the controller would; with an inventory, also against its workloads.")
        .With(OfflineOptions.Paths, OfflineOptions.Inventory, OfflineOptions.LabelKeys).Runs(host, RunAsync);

    private static async Task<int> RunAsync(Call call)
    {
        var policy = await OfflinePolicy.LoadAsync(call).ConfigureAwait(false);
        call.Show(policy.Problems.Select(FileProblem.Of).ToList(), _ =>
        {
            call.Terminal.Report(policy.Problems.Select(OfflinePolicy.View));
            var errors = policy.Problems.Count(problem => problem.Found.Severity == Severity.Error);
            var warnings = policy.Problems.Count - errors;
            call.Done(errors > 0 ? $"{errors.Of("error")}; the controller would refuse this."
                : warnings > 0 ? $"The policy is well-formed, with {warnings.Of("warning")}."
                : "The policy is well-formed.");
        });
        return policy.HasErrors ? ExitCode.Refused : ExitCode.Ok;
    }
}
