using System.CommandLine;

namespace Bulkhead.Lab.Commands;

/// <summary><c>lab exec</c>.</summary>
internal static class ExecCommand
{
    /// <summary>The command's name.</summary>
    public const string Name = "exec";

    public static Command Create()
    {
        var host = new Argument<string>("host") { Description = "the host" };
        var program = new Argument<string[]>("command") { Description = "the program and its arguments, after --", Arity = ArgumentArity.OneOrMore };
        return LabCommands.Create(Name, "Run a program on a host, as root.", async (arguments, _) =>
        {
            // The program gets the terminal's Ctrl-C too, and decides for itself.
            Console.CancelKeyPress += (_, interrupt) => interrupt.Cancel = true;
            var lab = RunningLab.Attach(LabCommands.LabOf(arguments));
            return await lab[arguments.GetValue(host)!].RunInteractiveAsync(arguments.GetValue(program)!, CancellationToken.None);
        },
        [host, program]);
    }
}
