using System.Net;
using System.Security.Cryptography;
using Bulkhead.Contracts.Rest;
using Bulkhead.Lab;

namespace Bulkhead.Scenarios;

/// <summary>
/// Everything the demo runs on, on this machine alone:
/// <code>
/// root namespace:   bulkhead-controller ── 127.0.0.1 (console, REST) and the lab's uplink (agent channel)
/// lab:              a namespace a host, each with real daemons and its own bulkhead-agent
/// operator:         bulkhead (CLI), signed in
/// </code>
/// </summary>
internal sealed class Stage : IDisposable
{
    private readonly LabOptions _options;
    private readonly Action<string> _progress;

    private Stage(LabOptions options, string folder, Action<string> progress)
    {
        _options = options;
        Folder = folder;
        _progress = progress;
        Operator = new(Path.Combine(folder, "operator"));
    }

    /// <summary>The demo's own folder; nothing of it remains after <see cref="DownAsync"/>.</summary>
    public string Folder { get; }

    /// <summary>The operator.</summary>
    public OperatorCli Operator { get; }

    /// <summary>The lab, once it is up.</summary>
    public RunningLab Lab { get; private set; } = null!;

    /// <summary>The controller, once the lab is up.</summary>
    public ControllerProcess Controller { get; private set; } = null!;

    /// <summary>Brings the lab and the controller up; no agents yet.</summary>
    public static async Task<Stage> UpAsync(LabOptions options, int port, Action<string> progress, CancellationToken cancellationToken)
    {
        var stage = new Stage(options, $"/run/bulkhead-demo/{options.Id}", progress);
        // Refuses, and touches nothing, while another demo of that id runs; so nothing is removed before.
        stage.Lab = await RunningLab.UpAsync(stage._options, progress, cancellationToken);
        try
        {
            await stage.RemoveRemainsAsync(cancellationToken);
            Directory.CreateDirectory(stage.Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            var agents = new[] { new IPEndPoint(stage.Lab.Network.GatewayIpv4, port + 1), new IPEndPoint(stage.Lab.Network.GatewayIpv6, port + 1) };
            stage.Controller = new(stage.Folder, new(IPAddress.Loopback, port), agents);
            progress("starting the controller");
            await stage.Controller.StartAsync(cancellationToken);
            return stage;
        }
        catch
        {
            await stage.DownAsync(CancellationToken.None);
            stage.Dispose();
            throw;
        }
    }

    /// <summary>Signs the operator in for the first time: with the one-time password, which must be replaced.</summary>
    public async Task SignInAsync(CancellationToken cancellationToken)
    {
        var password = Operator.PrivateFile("password", Convert.ToBase64String(RandomNumberGenerator.GetBytes(18)));
        await Operator.RunAsync(cancellationToken, "login", Controller.Url.ToString(), "--ca-sha256", Controller.CaSha256, "--password-file", Controller.FirstRunPassword, "--new-password-file", password);
    }

    /// <summary>Signs the operator in with a key made on the controller's own machine, so that the one-time password is left for a person.</summary>
    public async Task SignInLocallyAsync(CancellationToken cancellationToken)
    {
        var key = Operator.PrivateFile("key", await Controller.CreateApiKeyAsync("demo", cancellationToken));
        await Operator.RunAsync(cancellationToken, "login", Controller.Url.ToString(), "--ca-sha256", Controller.CaSha256, "--key-file", key);
    }

    /// <summary>Pairs and starts an agent on every host.</summary>
    public async Task StartAgentsAsync(CancellationToken cancellationToken)
    {
        _progress("pairing the agents");
        var key = Path.Combine(Folder, "pairing-key");
        await Operator.RunAsync(
            cancellationToken,
            "pairing-keys", "create", "lab", "--network", Lab.Network.Ipv4.ToString(), "--network", Lab.Network.Ipv6.ToString(), "--auto-admit", "--secret-file", key);
        await Lab.Agents.StartAsync(new(Programs.Agent, new($"https://{Lab.Network.GatewayIpv4}:{Controller.Url.Port + 1}"), Controller.CaSha256, key), null, cancellationToken);
    }

    /// <summary>Gives every workload the labels that the lab file declares, as an operator would from a CMDB export.</summary>
    public async Task LabelAsync(CancellationToken cancellationToken)
    {
        var keys = Lab.Hosts.SelectMany(h => h.Declaration.Labels.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        var lines = Lab.Hosts.Select(h => string.Join(',', keys.Select(key => h.Declaration.Labels.GetValueOrDefault(key, "")).Prepend(h.Name)));
        var file = Path.Combine(Folder, "labels.csv");
        await File.WriteAllLinesAsync(file, lines.Prepend(string.Join(',', keys.Prepend("workload"))), cancellationToken);
        await Operator.RunAsync(cancellationToken, "labels", "import", file, "--apply");
    }

    /// <summary>Waits until every agent enforces the newest policy meant for it.</summary>
    public Task AllSyncedAsync(TimeSpan limit, CancellationToken cancellationToken) => Wait.UntilAsync(
        async () =>
        {
            var workloads = (await WorkloadsAsync(cancellationToken)).Where(w => w.Managed).ToList();
            var late = workloads.Where(w => w.Sync != SyncState.Synced).Select(w => $"{w.Name} is {w.Sync}{string.Concat(w.Problems.Select(p => $" ({p.Message})"))}").ToList();
            return workloads.Count < Lab.Hosts.Count ? $"{workloads.Count} of {Lab.Hosts.Count} agents are paired" : late.Count > 0 ? string.Join(", ", late) : null;
        },
        limit,
        cancellationToken);

    /// <summary>All workloads.</summary>
    public async Task<IReadOnlyList<WorkloadView>> WorkloadsAsync(CancellationToken cancellationToken) =>
        (await Operator.AskAsync<Page<WorkloadView>>(cancellationToken, "workloads", "list")).Items;

    /// <summary>Copies the logs of the controller, the agents and the daemons to a folder, before they are taken down.</summary>
    public void KeepLogs(string folder)
    {
        foreach (var root in new[] { Folder, Lab.Folder })
        {
            foreach (var log in Directory.EnumerateFiles(root, "*.log", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }))
            {
                var target = Path.Combine(folder, Path.GetRelativePath(root, log).Replace('/', '-'));
                Directory.CreateDirectory(folder);
                File.Copy(log, target, overwrite: true);
            }
        }
    }

    /// <summary>Takes everything down; safe to call in any state.</summary>
    public async Task DownAsync(CancellationToken cancellationToken)
    {
        _progress("taking everything down");
        if (Controller is not null)
        {
            await Controller.StopAsync(cancellationToken);
        }

        await RunningLab.DownAsync(_options);
        await RemoveRemainsAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => Controller?.Dispose();

    private async Task RemoveRemainsAsync(CancellationToken cancellationToken)
    {
        await ControllerProcess.EndRemainsAsync(Folder, cancellationToken);
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }

        var parent = Path.GetDirectoryName(Folder)!;
        if (Directory.Exists(parent) && !Directory.EnumerateFileSystemEntries(parent).Any())
        {
            Directory.Delete(parent);
        }
    }
}
