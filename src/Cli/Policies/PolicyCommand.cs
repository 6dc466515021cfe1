using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Documents;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Cli.Policies;

/// <summary><c>bulkhead policy validate</c>: checks policy files without a controller.</summary>
internal static class PolicyCommand
{
    private static readonly Option<string[]> LabelKeys = new("--label-key") { Description = "A label key of your own that the files use; repeat for more.", HelpName = "KEY" };

    public static Command Create(CliHost host)
    {
        var files = CommonOptions.PolicyFiles();
        return new Command("policy", "Work on policy files without a controller.").With(
            new Command("validate", "Check files as one policy, as the controller would.").With(files, LabelKeys).Runs(host, call => Validate(call, call.Value(files))));
    }

    private static Task<int> Validate(Call call, FileInfo[] files)
    {
        var keys = LabelText.BuiltInKeys.Concat(call.Value(LabelKeys) ?? []).ToHashSet(StringComparer.Ordinal);
        var problems = new List<DiagnosticView>();
        try
        {
            var model = PolicyParser.Parse(PolicyFile.Read(files), keys);
            problems.AddRange(model.Diagnostics.Select(found => new DiagnosticView(Words.Name(found.Severity), found.Code, found.Path, found.Message)));
        }
        catch (Failure failure) when (failure.Diagnostics.Count > 0)
        {
            problems.AddRange(failure.Diagnostics);
        }

        var errors = problems.Count(problem => problem.Severity == "error");
        call.Show<IReadOnlyList<DiagnosticView>>(problems, _ =>
        {
            call.Terminal.Report(problems);
            call.Done(errors > 0 ? $"{errors.Of("error")}; the controller would refuse this." : "The policy is well-formed.");
        });
        return Task.FromResult(errors > 0 ? ExitCode.Refused : ExitCode.Ok);
    }
}
