using System.CommandLine;

namespace Bulkhead.Lab.Commands;

/// <summary><c>lab hold</c>.</summary>
internal static class HoldCommand
{
    public static Command Create()
    {
        var from = new Argument<string>("from") { Description = "the connecting host" };
        var to = new Argument<string>("to") { Description = "the server, as host/daemon: redis or an HTTP server" };
        var ipv6 = new Option<bool>("-6") { Description = "connect over IPv6" };
        return LabCommands.Create("hold", "Hold a busy connection until it dies or the command is interrupted, then print its end as JSON.", async (arguments, cancellationToken) =>
        {
            var lab = RunningLab.Attach(LabCommands.LabOf(arguments));
            var connection = await HeldConnection.OpenAsync(
                lab[arguments.GetValue(from)!], lab.FindService(arguments.GetValue(to)!), arguments.GetValue(ipv6), cancellationToken);
            await Console.Error.WriteLineAsync("established");
            await Task.WhenAny(connection.Death, ProbeCommand.Interrupted(cancellationToken));
            await connection.DisposeAsync();
            LabCommands.PrintJson(await connection.Death);
            return 0;
        },
        [from, to, ipv6]);
    }
}
