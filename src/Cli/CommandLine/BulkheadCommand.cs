using System.CommandLine;
using System.CommandLine.Parsing;
using Bulkhead.Cli.Output;
using Bulkhead.Cli.Pairing;
using Bulkhead.Cli.Policies;
using Bulkhead.Cli.Sessions;
using Bulkhead.Cli.Traffic;
using Bulkhead.Cli.Workloads;

namespace Bulkhead.Cli.CommandLine;

/// <summary>The root of the command line.</summary>
internal static class BulkheadCommand
{
    /// <summary>In what form results are written.</summary>
    public static Option<OutputFormat?> Output { get; } = CreateOutput();

    /// <summary>Parses and runs; the result is the process's exit code.</summary>
    public static async Task<int> RunAsync(CliHost host, IReadOnlyList<string> arguments, CancellationToken cancel = default)
    {
        var parsed = Create(host).Parse(arguments);
        if (parsed.Errors.Count > 0 && parsed.Action is not { ClearsParseErrors: true })
        {
            foreach (var error in parsed.Errors)
            {
                host.Terminal.Report(Failure.Usage(error.Message));
            }

            host.Terminal.Note($"See: {Path(parsed.CommandResult)} --help");
            return ExitCode.Usage;
        }

        return await parsed.InvokeAsync(new() { EnableDefaultExceptionHandler = false, Output = host.Terminal.Writer }, cancel).ConfigureAwait(false);
    }

    public static RootCommand Create(CliHost host)
    {
        var root = new RootCommand("Bulkhead: see, label, generate, test, enforce, prove.");
        root.With(
            Output,
            LoginCommand.Create(host),
            LogoutCommand.Create(host),
            StatusCommand.Create(host),
            WorkloadsCommand.Create(host),
            LabelsCommand.Create(host),
            PairingKeysCommand.Create(host),
            FlowsCommand.Create(host),
            ScansCommand.Create(host),
            MapCommand.Create(host),
            ExplainCommand.Create(host),
            WhyCommand.Create(host),
            SectionCommands.Rulesets(host),
            SectionCommands.Services(host),
            SectionCommands.Networks(host),
            SectionCommands.LabelGroups(host),
            SectionCommands.Modes(host),
            SectionCommands.FailSafe(host),
            SectionCommands.Plans(host),
            SectionCommands.Assertions(host),
            DraftCommand.Create(host),
            ProvisionCommand.Create(host),
            RevisionsCommand.Create(host),
            ApprovalsCommand.Create(host),
            PolicyCommand.Create(host),
            AccountsCommand.Create(host),
            ApiKeysCommand.Create(host),
            AuditCommand.Create(host),
            CompletionCommand.Create(host));
        return root;
    }

    private static Option<OutputFormat?> CreateOutput()
    {
        var output = CommonOptions.Choice<OutputFormat>("--output", "table for people, json for programs: REST's JSON (usually table).", "-o");
        output.Recursive = true;
        return output;
    }

    private static string Path(CommandResult result)
    {
        var names = new Stack<string>();
        for (SymbolResult? at = result; at is CommandResult command; at = at.Parent)
        {
            names.Push(command.Parent is null ? "bulkhead" : command.Command.Name);
        }

        return string.Join(' ', names);
    }
}
