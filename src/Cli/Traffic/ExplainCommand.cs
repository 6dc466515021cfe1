using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Traffic;

/// <summary><c>bulkhead explain</c>: what becomes of one connection, and what decides it at each end.</summary>
internal static class ExplainCommand
{
    private static readonly Argument<string> From = new("FROM") { Description = "The consumer: a workload's name or id, or an address." };
    private static readonly Argument<string> To = new("TO") { Description = "The provider." };
    private static readonly Argument<string> Port = new("PORT") { Description = "Such as tcp/3306." };
    private static readonly Option<TrafficView?> View = CommonOptions.View(TrafficView.Enforced);

    public static Command Create(CliHost host) => new Command("explain", "Say what becomes of a connection, and what decides it.").With(From, To, Port, View).Runs(host, async call =>
    {
        var path = Query.Add("explain", ("from", call.Value(From)), ("to", call.Value(To)), ("port", call.Value(Port)), ("view", call.Value(View) ?? TrafficView.Enforced));
        call.Show(await call.GetAsync<Explanation>(path).ConfigureAwait(false), explanation => Write(call.Terminal.Out, explanation));
    });

    private static void Write(IAnsiConsole console, Explanation explanation)
    {
        foreach (var one in explanation.Others.Prepend(new(explanation.FromAddress, explanation.ToAddress, explanation.Verdict, explanation.Remedies)))
        {
            var verdict = one.Verdict;
            var cell = Words.Verdict(verdict.Kind);
            var addresses = explanation.Others.Count == 0 ? "" : $" ({one.FromAddress} → {one.ToAddress})";
            console.Write($"{explanation.From} → {explanation.To}{addresses} {explanation.Port}: ");
            console.WriteLine(cell.Text, cell.Style ?? Style.Plain);
            console.WriteLine(verdict.Because);
            console.WriteLine();
            var ends = new Listing("end", "decides", "in full", "mode", "by", "because", "also matching");
            Row(ends, "outbound at the consumer", verdict.Source);
            Row(ends, "inbound at the provider", verdict.Destination);
            ends.WriteTo(console, "");
            foreach (var name in explanation.FromNames.Concat(explanation.ToNames))
            {
                console.WriteLine(Words.Printable($"{(explanation.FromNames.Contains(name) ? explanation.FromAddress : explanation.ToAddress)} is {name.Name}, as seen by {name.SeenBy}; no verdict depends on it."));
            }

            foreach (var remedy in one.Remedies)
            {
                console.WriteLine($"to allow it: {remedy}");
            }
        }
    }

    private static void Row(Listing listing, string end, EndDecisionView? decision)
    {
        if (decision is null)
        {
            listing.Row(end, "-", "-", "-", "-", "it has no agent", "");
            return;
        }

        var by = decision.RuleId is { } id ? $"rule {id} of {decision.Ruleset}" : decision.DecidedBy;
        listing.Row(end, decision.Outcome, decision.InFull, Words.Name(decision.Mode), by, decision.Because, string.Join(' ', decision.OtherRules.Select(rule => $"rule {rule}")));
    }
}
