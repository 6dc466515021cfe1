using System.CommandLine;
using System.Globalization;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Sessions;

/// <summary><c>bulkhead audit</c>: who did what.</summary>
internal static class AuditCommand
{
    private static readonly Option<int> Limit = CommonOptions.Limit(50);

    public static Command Create(CliHost host) => new Command("audit", "Show who did what, newest first.").With(Limit).Runs(host, async call =>
    {
        var page = await call.GetAllAsync<AuditEntryView>("audit", call.Value(Limit)).ConfigureAwait(false);
        call.Show(page, _ =>
        {
            var listing = new Listing("#", "when", "who", "action", "subject", "detail");
            foreach (var entry in page.Items)
            {
                listing.Row(entry.Sequence.ToString(CultureInfo.InvariantCulture), entry.At.Ago(call.Now), entry.Actor, entry.Action, entry.Subject, entry.Detail);
            }

            listing.WriteTo(call.Terminal.Out, "Nothing has been done yet.");
        });
    });
}
