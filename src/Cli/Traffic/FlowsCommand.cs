using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Traffic;

/// <summary><c>bulkhead flows</c>: who talks to whom, and what becomes of it.</summary>
internal static class FlowsCommand
{
    private static readonly Option<string?> From = new("--from") { Description = "Only from these consumers.", HelpName = "SELECTOR" };
    private static readonly Option<string?> To = new("--to") { Description = "Only to these providers.", HelpName = "SELECTOR" };
    private static readonly Option<string?> Port = new("--port") { Description = "Only this port, such as tcp/443.", HelpName = "PORT" };
    private static readonly Option<VerdictKind?> Verdict = CommonOptions.Choice<VerdictKind>("--verdict", "Only with this verdict.");
    private static readonly Option<string?> Process = new("--process") { Description = "Only with this process at either end.", HelpName = "NAME" };
    private static readonly Option<TrafficView?> View = CommonOptions.View(TrafficView.Reported);
    private static readonly Option<int> Limit = CommonOptions.Limit(200);
    private static readonly Option<bool> Follow = new("--follow", "-f") { Description = "Go on as new traffic is reported, until Ctrl-C." };

    private static readonly Option<bool> Live = new("--live") { Description = "With --follow: the hosts of --from, else of --to, report every second meanwhile." };

    public static Command Create(CliHost host)
    {
        var since = CommonOptions.Moment("--since", "Only traffic after", host.Clock);
        var until = CommonOptions.Moment("--until", "Only traffic before", host.Clock);
        var command = new Command("flows", "Show who talks to whom, and what becomes of it.").With(From, To, Port, Verdict, Process, View, since, until, Limit, Follow, Live);
        command.Validators.Add(result =>
        {
            if (result.GetValue(Follow) && result.GetResult(until) is not null)
            {
                result.AddError("--follow and --until exclude each other.");
            }

            if (result.GetValue(Live) && !(result.GetValue(Follow) && (result.GetValue(From) ?? result.GetValue(To)) is not null))
            {
                result.AddError("--live goes with --follow, and with --from or --to, which say whose hosts.");
            }
        });
        return command.Runs(host, async call =>
        {
            var path = Query.Add(
                "flows",
                ("from", call.Value(From)),
                ("to", call.Value(To)),
                ("port", call.Value(Port)),
                ("verdict", call.Value(Verdict)),
                ("view", call.Value(View)),
                ("process", call.Value(Process)),
                ("since", call.Value(since)),
                ("until", call.Value(until)));
            if (call.Value(Follow))
            {
                await FollowAsync(call, path).ConfigureAwait(false);
                return;
            }

            var page = await call.GetAllAsync<FlowEdge>(path, call.Value(Limit)).ConfigureAwait(false);
            call.Show(page, _ =>
            {
                FlowListing.Of(page.Items, call.Value(View) ?? TrafficView.Reported, call.Now).WriteTo(call.Terminal.Out, "No such traffic was seen.");
                call.NoteMore(page);
            });
        });
    }

    /// <summary>Shows each edge when it is first seen here, and again whenever it has new traffic.</summary>
    private static async Task FollowAsync(Call call, string path)
    {
        var shown = new Dictionary<(string, string, string), DateTimeOffset>();
        try
        {
            await foreach (var live in call.Controller.EventsAsync(call.Value(Live) ? call.Value(From) ?? call.Value(To) : null, call.Cancel).ConfigureAwait(false))
            {
                if (live is { Kind: not "flows" })
                {
                    continue;
                }

                var page = await call.Controller.GetAllAsync<FlowEdge>(path, call.Value(Limit), call.Cancel).ConfigureAwait(false);
                foreach (var edge in page.Items.OrderBy(edge => edge.LastSeen))
                {
                    var key = (edge.Source.Address, edge.Destination.Address, edge.Port);
                    if (!shown.TryGetValue(key, out var last) || edge.LastSeen > last)
                    {
                        shown[key] = edge.LastSeen;
                        Write(call, edge);
                    }
                }
            }
        }
        catch (OperationCanceledException) when (call.Cancel.IsCancellationRequested)
        {
            return;
        }

        throw new Failure(ExitCode.Unreachable, "The controller ended the stream.", "Is it restarting? Run the command again.");
    }

    private static void Write(Call call, FlowEdge edge)
    {
        if (call.Format == OutputFormat.Json)
        {
            call.Terminal.WriteJsonLine(edge);
        }
        else
        {
            FlowListing.WriteLine(call.Terminal.Out, edge, call.Value(View) ?? TrafficView.Reported);
        }
    }
}
