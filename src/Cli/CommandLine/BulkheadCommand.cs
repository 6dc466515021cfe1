using System.CommandLine;
using System.CommandLine.Parsing;
using Bulkhead.Cli.Output;

namespace Bulkhead.Cli.CommandLine;

/// <summary>The root of the command line.</summary>
internal static class BulkheadCommand
{
    /// <summary>In what form results are written.</summary>
    public static Option<OutputFormat> Output { get; } = new("--output", "-o")
    {
        Description = "table for people, json for programs (REST's JSON).",
        Recursive = true,
    };

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
        root.With(Output);
        return root;
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
