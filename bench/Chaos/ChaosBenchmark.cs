using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Tests;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Chaos;

/// <summary>Kills controllers and databases under load, and compares what was acknowledged with what is there.</summary>
internal static class ChaosBenchmark
{
    private const int DiskMegabytes = 192;

    /// <summary>How many failures of the controller's log are shown when a run breaks off, since its folder goes.</summary>
    private const int LogLines = 5;

    /// <summary>What the log calls failures that are no fault's, <c>Log.RequestFailed</c>.</summary>
    private const string Unforeseen = "FailureAnswers[3]";

    /// <summary>Long enough for what waits in a busy machine.</summary>
    private static readonly TimeSpan s_settled = TimeSpan.FromSeconds(60);

    public static Benchmark Benchmark { get; } = new("chaos", "what of the acknowledged a crash loses", RunAsync);

    private static async Task RunAsync(BenchmarkRun run)
    {
        var began = Stopwatch.GetTimestamp();
        var totals = new Totals();
        foreach (var postgres in (bool[])[false, true])
        {
            run.Report.Add(postgres ? "postgresql" : "sqlite", await RunAsync(run, postgres, totals));
        }

        run.Report.Add("seed", run.Seed);
        run.Report.Add("quick", run.IsQuick);
        run.Report.Add("seconds", Stopwatch.GetElapsedTime(began).TotalSeconds);
        run.Report.Add("faults", totals.Faults);
        run.Report.Add("acknowledged", totals.Acknowledged);
        run.Report.Add("lost", totals.Lost);
        run.Report.Add("doubled", totals.Doubled);
        run.Report.Add("audit_broken", totals.AuditBroken);
        run.Report.Add("agents_behind", totals.AgentsBehind);
        run.Report.Failed = totals.Lost + totals.Doubled + totals.AuditBroken + totals.AgentsBehind > 0;
    }

    private static async Task<JsonNode> RunAsync(BenchmarkRun run, bool postgres, Totals totals)
    {
        var folder = Directory.CreateTempSubdirectory("bulkhead-chaos-");
        try
        {
            using var disk = await SmallDisk.MountAsync(Path.Combine(folder.FullName, "controller"), DiskMegabytes, run.Cancel);
            var server = postgres ? PrivatePostgres.Start() : null;
            var (rest, agents) = (FreePort(), FreePort());
            using var controller = new ControllerProcess(folder.FullName, rest, [agents]);
            if (server is not null)
            {
                var secret = Path.Combine(controller.Data, "database");
                await File.WriteAllTextAsync(secret, server.NewDatabase(), run.Cancel);
                File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            await controller.StartAsync(run.Cancel);
            using var client = await ControllerRest.SignInAsync(controller, run.Cancel);
            var key = await client.SendAsync<CreatedPairingKey>(HttpMethod.Post, "pairing-keys", new CreatePairingKey(
                "chaos", new Dictionary<string, string> { ["app"] = "chaos" }, ["10.0.0.0/8"], null, TimeProvider.System.GetUtcNow().AddDays(1), true), run.Cancel);
            using var authority = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(Path.Combine(controller.Data, "ca.crt"), run.Cancel));
            var promises = new Promises();
            using var load = new ChaosLoad(client, new($"https://{agents}"), authority, key.Secret, promises, run.Seed);
            var faults = new Faults(controller, server, promises, new(run.Seed));
            await WreckAsync(run, load, faults, promises, postgres);
            return await JudgeAsync(run, controller, client, load, promises, faults, totals);
        }
        catch (BenchException)
        {
            foreach (var line in File.ReadLines(Path.Combine(folder.FullName, "controller.log")).Where(line => line.Contains(Unforeseen, StringComparison.Ordinal)).TakeLast(LogLines))
            {
                run.Progress(line);
            }

            throw;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task WreckAsync(BenchmarkRun run, ChaosLoad load, Faults faults, Promises promises, bool postgres)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(run.Cancel);
        var working = load.RunAsync(stop.Token, run.Cancel);
        try
        {
            var count = run.IsQuick ? 6 : 105;
            for (var n = 1; n <= count && !working.IsCompleted; n++)
            {
                await faults.DoAsync(run.Cancel);
                if (n % 10 == 0 || n == count)
                {
                    run.Progress($"{(postgres ? "PostgreSQL" : "SQLite")}: {n} faults, {promises.Count} acknowledged");
                }
            }
        }
        finally
        {
            await stop.CancelAsync();
            await working;
        }
    }

    private static async Task<JsonNode> JudgeAsync(
        BenchmarkRun run, ControllerProcess controller, ControllerRest client, ChaosLoad load, Promises promises, Faults faults, Totals totals)
    {
        var behind = await BehindAsync(client, load, run.Cancel);
        var (lost, doubled) = promises.Compare(
            await AllAsync<WorkloadView>(client, "workloads", run.Cancel), await client.GetAsync<List<RevisionView>>("policy/revisions", run.Cancel), await AllAsync<FlowEdge>(client, "flows", run.Cancel));
        foreach (var finding in lost.Select(line => $"LOST {line}").Concat(doubled.Select(line => $"DOUBLED {line}")).Concat(behind.Select(name => $"BEHIND {name}")).Take(20))
        {
            run.Progress(finding);
        }

        using var audit = Process.Start(Programs.Controller, ["verify-audit", "--data", controller.Data]);
        await audit.WaitForExitAsync(run.Cancel);
        totals.Faults += faults.Done.Values.Sum();
        totals.Acknowledged += promises.Count;
        totals.Lost += lost.Count;
        totals.Doubled += doubled.Count;
        totals.AuditBroken += audit.ExitCode == 0 ? 0 : 1;
        totals.AgentsBehind += behind.Count;
        return JsonSerializer.SerializeToNode(new
        {
            faults = faults.Done, workloads = promises.Workloads.Count, revisions = promises.Revisions.Count, paired = promises.Paired.Count, flows = promises.Flows.Count,
        }, JsonSerializerOptions.Web)!;
    }

    /// <summary>The agents that the controller does not come to show as enforcing what they should.</summary>
    private static async Task<IReadOnlyList<string>> BehindAsync(ControllerRest client, ChaosLoad load, CancellationToken cancel)
    {
        var behind = load.Paired.ToDictionary(agent => agent.Name);
        var began = Stopwatch.GetTimestamp();
        while (behind.Count > 0 && Stopwatch.GetElapsedTime(began) < s_settled)
        {
            foreach (var agent in behind.Values.ToList())
            {
                if (await agent.FollowAsync(cancel) && (await client.GetAsync<WorkloadDetail>($"workloads/{agent.Name}", cancel)).Workload is { AppliedGeneration: not null })
                {
                    behind.Remove(agent.Name);
                }
            }
        }

        return [.. behind.Keys];
    }

    private static async Task<List<T>> AllAsync<T>(ControllerRest client, string path, CancellationToken cancel)
    {
        var all = new List<T>();
        string? next = null;
        do
        {
            var page = await client.GetAsync<Page<T>>($"{path}?limit=1000{(next is null ? "" : $"&after={Uri.EscapeDataString(next)}")}", cancel);
            all.AddRange(page.Items);
            next = page.Next;
        }
        while (next is not null);
        return all;
    }

    private static IPEndPoint FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)probe.LocalEndPoint!;
    }

    private sealed class Totals
    {
        public long Faults { get; set; }

        public long Acknowledged { get; set; }

        public long Lost { get; set; }

        public long Doubled { get; set; }

        public long AuditBroken { get; set; }

        public long AgentsBehind { get; set; }
    }
}
