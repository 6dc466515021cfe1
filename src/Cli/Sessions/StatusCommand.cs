using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Sessions;

/// <summary><c>bulkhead status</c>: how the controller is doing.</summary>
internal static class StatusCommand
{
    public static Command Create(CliHost host) => new Command("status", "Show how the controller is doing.").Runs(host, async call =>
    {
        var status = await call.GetAsync<StatusView>("status").ConfigureAwait(false);
        call.Show(status, _ =>
        {
            var profile = call.Host.Profile.Load();
            Listing.Facts()
                .Row("controller", profile.Url.ToString())
                .Row("signed in as", profile.User)
                .Row("version", status.Version)
                .Row("revision", status.Revision == 0 ? "none yet" : status.Revision.Text())
                .Row("workloads", $"{status.Workloads.Text()}, {status.Managed.Text()} with an agent, {status.Connected.Text()} connected")
                .Row("edges", status.Edges.Text())
                .Row("agents connect to", status.AgentUrl)
                .Row("authority", status.AuthoritySha256)
                .WriteTo(call.Terminal.Out, "");
        });
    });
}
