using System.CommandLine;

namespace Bulkhead.Lab.Commands;

/// <summary><c>lab down</c>.</summary>
internal static class DownCommand
{
    public static Command Create() => LabCommands.Create("down", "Take a lab, or what is left of one, down.", async (arguments, _) =>
    {
        await RunningLab.DownAsync(LabCommands.LabOf(arguments));
        return 0;
    });
}
