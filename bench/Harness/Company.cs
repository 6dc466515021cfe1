using System.Net;
using System.Net.Sockets;
using Bulkhead.Lab;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Harness;

/// <summary>Hosts with agents, and their controller: what benchmarks of the whole product run on.</summary>
internal static class Company
{
    private static readonly TimeSpan SyncedWithin = TimeSpan.FromSeconds(60);

    /// <summary>Brings everything up, hands it over once every agent is in sync, and takes it down again, whatever happens.</summary>
    public static async Task UseAsync(BenchmarkRun run, LabOptions lab, Func<Stage, ControllerRest, Task> use)
    {
        using var stage = await Stage.UpAsync(lab, FreePort(), run.Progress, run.Cancel);
        try
        {
            await stage.SignInLocallyAsync(run.Cancel);
            await stage.StartAgentsAsync(run.Cancel);
            await stage.AllSyncedAsync(SyncedWithin, run.Cancel);
            await stage.LabelAsync(run.Cancel);
            using var rest = await ControllerRest.SignInAsync(stage.Controller, run.Cancel);
            await use(stage, rest);
        }
        finally
        {
            await stage.DownAsync(CancellationToken.None);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
