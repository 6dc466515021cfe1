namespace Bulkhead.Lab;

/// <summary>The agents of a running lab: one a host, in the host's namespaces and cgroup.</summary>
public sealed class LabAgents
{
    /// <summary>Where a host's agent shows users what it blocked; in the host's own <c>/run</c>.</summary>
    public const string Runtime = "/run/bulkhead";

    private static readonly TimeSpan StopsWithin = TimeSpan.FromSeconds(15);

    private readonly LabOptions _options;
    private readonly IReadOnlyList<LabHost> _hosts;

    internal LabAgents(LabOptions options, IReadOnlyList<LabHost> hosts)
    {
        _options = options;
        _hosts = hosts;
    }

    /// <summary>Whether the agent of a host runs.</summary>
    public static bool IsUp(LabHost host) => CgroupOf(host).Processes().Count > 0;

    /// <summary>Starts agents that do not run, pairing first those that are not paired.</summary>
    /// <param name="agents">How to start them; null for the way they were started last.</param>
    /// <param name="hosts">Where; everywhere if null.</param>
    /// <param name="cancellationToken">Gives up; what was started stays.</param>
    /// <exception cref="LabException">An agent could not be paired or started.</exception>
    public async Task StartAsync(AgentOptions? agents, IReadOnlyCollection<LabHost>? hosts, CancellationToken cancellationToken)
    {
        var state = LabState.Load(_options.Folder) ?? throw new LabException($"lab '{_options.Id}' is not up");
        agents ??= state.Agents ?? throw new LabException("no agent has been started yet: give --agent, --controller, --ca-sha256 and --key-file");
        agents = agents with { Program = Path.GetFullPath(agents.Program), KeyFile = Path.GetFullPath(agents.KeyFile) };
        foreach (var file in new[] { agents.Program, agents.KeyFile }.Where(file => !File.Exists(file)))
        {
            throw new LabException($"there is no file {file}");
        }

        (state with { Agents = agents }).Save(_options.Folder);
        await Parallel.ForEachAsync(
            (hosts ?? _hosts).Where(host => !IsUp(host)),
            new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount * 2, CancellationToken = cancellationToken },
            async (host, token) => await StartAsync(host, agents, token));
    }

    /// <summary>Has agents stop cleanly (SIGTERM) and waits until they have.</summary>
    public async Task StopAsync(IReadOnlyCollection<LabHost>? hosts, CancellationToken cancellationToken) =>
        await Task.WhenAll((hosts ?? _hosts).Select(async host =>
        {
            foreach (var pid in CgroupOf(host).Processes())
            {
                _ = Native.Kill(pid, Native.SigTerm);
            }

            await Deadline.UntilAsync(
                () => ValueTask.FromResult(!IsUp(host)), StopsWithin, $"the agent on {host.Name} did not stop", cancellationToken);
        }));

    /// <summary>Kills agents (SIGKILL) and waits until they are dead.</summary>
    public async Task KillAsync(IReadOnlyCollection<LabHost>? hosts, CancellationToken cancellationToken) =>
        await Task.WhenAll((hosts ?? _hosts).Select(host => CgroupOf(host).KillAsync(cancellationToken)));

    private static Cgroup CgroupOf(LabHost host) => host.Service(DaemonRef.Agent);

    private static async Task StartAsync(LabHost host, AgentOptions agents, CancellationToken cancellationToken)
    {
        var cgroup = CgroupOf(host);
        cgroup.Create();
        var state = Path.Combine(host.Folder, "agent");
        var home = Path.Combine(host.Folder, "agent-home");
        var paired = Path.Combine(host.Folder, "agent-paired");
        Directory.CreateDirectory(home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Invocation Agent(params string[] arguments) => new([agents.Program, .. arguments, "--state", state])
        {
            Cgroup = cgroup,
            NamespacesOf = host.InitProcess,
            Environment = new Dictionary<string, string>
            {
                ["DOTNET_ROOT"] = "/run/dotnet",
                ["DOTNET_EnableDiagnostics"] = "0",
                ["HOME"] = home,
                ["TMPDIR"] = home,
            },
        };

        if (!File.Exists(paired))
        {
            // The key lies outside what the host can see; it gets a copy for as long as pairing takes.
            var key = Path.Combine(home, "pairing-key");
            File.Copy(agents.KeyFile, key, overwrite: true);
            File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            try
            {
                await Agent(
                    "pair", "--controller", agents.Controller.ToString().TrimEnd('/'), "--ca-sha256", agents.CaSha256, "--key-file", key,
                    "--hardware-uuid", host.HardwareUuid, "--name", host.Name).RunCheckedAsync(cancellationToken);
            }
            finally
            {
                File.Delete(key);
            }

            await File.WriteAllTextAsync(paired, "", cancellationToken);
        }

        var log = Path.Combine(host.Folder, DaemonRef.Agent + ".log");
        using var process = await Agent("run", "--cgroup", host.Cgroup.Path, "--runtime", Runtime).StartDetachedAsync(log, cancellationToken);
    }
}
