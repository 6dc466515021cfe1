using System.CommandLine;

namespace Bulkhead.Cli.CommandLine;

/// <summary>Connects commands with what they do.</summary>
internal static class CommandActions
{
    /// <summary>Runs <paramref name="act"/>; expected failures become a report and their exit code, and bugs stay visible.</summary>
    public static Command Runs(this Command command, CliHost host, Func<Call, Task> act) =>
        command.Runs(host, async call =>
        {
            await act(call).ConfigureAwait(false);
            return ExitCode.Ok;
        });

    /// <summary>The same, for an action that chooses its exit code.</summary>
    public static Command Runs(this Command command, CliHost host, Func<Call, Task<int>> act)
    {
        command.SetAction(async (arguments, cancel) =>
        {
            using var call = new Call(host, arguments, cancel);
            try
            {
                return await act(call).ConfigureAwait(false);
            }
            catch (Failure failure)
            {
                host.Terminal.Report(failure);
                return failure.ExitCode;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                host.Terminal.Note("Interrupted.");
                return ExitCode.Interrupted;
            }
        });
        return command;
    }

    /// <summary>Adds arguments and options in one go.</summary>
    public static Command With(this Command command, params ReadOnlySpan<Symbol> symbols)
    {
        foreach (var symbol in symbols)
        {
            switch (symbol)
            {
                case Argument argument:
                    command.Add(argument);
                    break;
                case Option option:
                    command.Add(option);
                    break;
                case Command child:
                    command.Add(child);
                    break;
            }
        }

        return command;
    }
}
