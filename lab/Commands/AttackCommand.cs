using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace Bulkhead.Lab.Commands;

/// <summary><c>lab attack</c>.</summary>
internal static class AttackCommand
{
    public static Command Create()
    {
        var from = new Option<string?>("--from") { Description = "the attacking host (default: the lab file's)" };
        var to = new Option<string[]>("--to") { Description = "the targets, as host/daemon (default: the lab file's)", AllowMultipleArgumentsPerToken = true };
        var ipv6 = new Option<bool>("-6") { Description = "attack over IPv6" };
        return LabCommands.Create("attack", "Try connections that nobody should be able to make.", async (arguments, cancellationToken) =>
        {
            var lab = RunningLab.Attach(LabCommands.LabOf(arguments));
            var targets = arguments.GetValue(to) is { Length: > 0 } given ? given : null;
            var results = await Attack.RunAsync(lab, arguments.GetValue(from), targets, arguments.GetValue(ipv6), cancellationToken);
            LabCommands.Print(arguments, results, () =>
            {
                var table = LabCommands.TableOf("from", "to", "address", "outcome", "ms", "answer");
                foreach (var attempt in results)
                {
                    table.AddRow(
                        attempt.From, attempt.To, $"{attempt.Address} {attempt.Port}", attempt.Result.Outcome.ToString().ToLowerInvariant(),
                        attempt.Result.Milliseconds.ToString("0.0", CultureInfo.InvariantCulture), Markup.Escape(attempt.Result.Answer ?? ""));
                }

                return table;
            });
            return 0;
        },
        [from, to, ipv6, LabCommands.Output]);
    }
}
