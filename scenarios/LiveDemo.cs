using Bulkhead.Lab;

namespace Bulkhead.Scenarios;

/// <summary>The demo for a person: everything up, the console's address and the one-time password, until Ctrl-C.</summary>
internal static class LiveDemo
{
    private static readonly TimeSpan OnlineWithin = TimeSpan.FromSeconds(60);

    public static async Task<int> RunAsync(string id, int port, CancellationToken cancellationToken)
    {
        using var stage = await Stage.UpAsync(new LabOptions(id), port, line => Console.WriteLine($"  · {line}"), cancellationToken);
        try
        {
            await stage.SignInLocallyAsync(cancellationToken);
            await stage.StartAgentsAsync(cancellationToken);
            await stage.AllSyncedAsync(OnlineWithin, cancellationToken);
            await stage.LabelAsync(cancellationToken);
            Console.WriteLine($"""

                Bulkhead is up: {stage.Lab.Hosts.Count} hosts, an agent on each; the map fills within half a minute.

                  console    {stage.Controller.Url}
                  account    admin
                  password   {(await File.ReadAllTextAsync(stage.Controller.FirstRunPassword, cancellationToken)).Trim()}   (one-time: you choose your own at first sign-in)

                The certificate is from the controller's own authority, so the browser asks once.
                SHA-256 of the authority: {stage.Controller.CaSha256}

                In another terminal, as root:
                  {Programs.Lab} attack --id {id}            what an intruder on dev-web1 reaches
                  export PATH='{Path.GetDirectoryName(Programs.Cli)}':"$PATH" XDG_CONFIG_HOME='{stage.Folder}/operator'
                  bulkhead workloads list                    with that line, 'bulkhead' is the demo's, signed in

                Ctrl-C takes everything down.
                """);
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return 0;
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
        finally
        {
            await stage.DownAsync(CancellationToken.None);
        }
    }
}
