using System.CommandLine;

namespace Bulkhead.Lab.Commands;

/// <summary><c>lab probe</c>.</summary>
internal static class ProbeCommand
{
    // Long enough for a SYN that is dropped once to be sent again, which TCP does after a second.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    public static Command Create()
    {
        var allowed = Pairs("--allowed", "connections that must succeed, as FROM:HOST/DAEMON");
        var forbidden = Pairs("--forbidden", "connections that must fail, as FROM:HOST/DAEMON");
        var ipv6 = new Option<bool>("-6") { Description = "connect over IPv6" };
        var interval = new Option<int>("--interval") { Description = "milliseconds from one attempt to the next", DefaultValueFactory = _ => 100 };
        return LabCommands.Create("probe", "Make new connections again and again until interrupted, then print what was seen as JSON.", async (arguments, cancellationToken) =>
        {
            var lab = RunningLab.Attach(LabCommands.LabOf(arguments));
            ProbePair[] pairs =
            [
                .. (arguments.GetValue(allowed) ?? []).Select(text => Read(lab, text, arguments.GetValue(ipv6), allowed: true)),
                .. (arguments.GetValue(forbidden) ?? []).Select(text => Read(lab, text, arguments.GetValue(ipv6), allowed: false)),
            ];
            if (pairs.Length == 0)
            {
                throw new LabException("say what to probe: --allowed FROM:HOST/DAEMON …, --forbidden FROM:HOST/DAEMON …");
            }

            using var probe = ContinuousProbe.Start(pairs, TimeSpan.FromMilliseconds(arguments.GetValue(interval)), Timeout);
            await Interrupted(cancellationToken);
            var summaries = await probe.StopAsync();
            LabCommands.PrintJson(summaries);
            return summaries.Any(summary => summary.Violations > 0) ? 1 : 0;
        },
        [allowed, forbidden, ipv6, interval]);
    }

    /// <summary>Completes when the command is to end.</summary>
    public static async Task Interrupted(CancellationToken cancellationToken)
    {
        var interrupted = new TaskCompletionSource();
        await using var registration = cancellationToken.Register(interrupted.SetResult);
        await interrupted.Task;
    }

    private static Option<string[]> Pairs(string name, string description) => new(name) { Description = description, AllowMultipleArgumentsPerToken = true };

    private static ProbePair Read(RunningLab lab, string text, bool ipv6, bool allowed) =>
        text.Split(':') is [var from, var to]
            ? new(lab[from], lab.FindService(to).EndPoint(ipv6), allowed)
            : throw new LabException($"'{text}' is not of the form FROM:HOST/DAEMON");
}
