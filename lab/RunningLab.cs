namespace Bulkhead.Lab;

/// <summary>A small real datacentre in network namespaces of this machine. Needs root.</summary>
/// <remarks>It outlives the process that brought it up, until <see cref="DownAsync(LabOptions)"/>.</remarks>
public sealed class RunningLab
{
    private readonly LabOptions _options;
    private readonly LabDeclaration _declaration;

    private RunningLab(LabOptions options, LabDeclaration declared, LabState state)
    {
        _options = options;
        _declaration = declared.Only(state.Hosts.ToHashSet());
        Network = new(state.Network);
        Hosts = HostsOf(options, declared, state);
        Agents = new(options, Hosts);
    }

    /// <summary>The lab's id.</summary>
    public string Id => _options.Id;

    /// <summary>Its state folder.</summary>
    public string Folder => _options.Folder;

    /// <summary>Its addresses.</summary>
    public LabNetwork Network { get; }

    /// <summary>Its hosts, in file order.</summary>
    public IReadOnlyList<LabHost> Hosts { get; }

    /// <summary>The declared links between them, in file order.</summary>
    public IReadOnlyList<Link> Links => LinksOf(_declaration.Links);

    /// <summary>The connections that an attacker would try.</summary>
    public IReadOnlyList<Link> Attacks => LinksOf(_declaration.Attacks);

    /// <summary>Its agents.</summary>
    public LabAgents Agents { get; }

    /// <summary>The people whom its hosts know, in file order.</summary>
    public IReadOnlyList<Person> People => _declaration.People;

    /// <summary>A host by name.</summary>
    /// <exception cref="LabException">There is none.</exception>
    public LabHost this[string name] =>
        Hosts.FirstOrDefault(host => host.Name == name)
        ?? throw new LabException($"lab '{Id}' has no host '{name}'; it has {string.Join(", ", Hosts.Select(host => host.Name))}");

    /// <summary>Brings a lab up; remains of one that crashed are removed first. A failure, or cancelling, takes everything down again.</summary>
    /// <param name="options">Which lab.</param>
    /// <param name="progress">Told a line for each step; from any thread.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LabException">The lab is up already, or cannot be brought up.</exception>
    public static async Task<RunningLab> UpAsync(LabOptions options, Action<string> progress, CancellationToken cancellationToken)
    {
        RequireRoot();
        var file = options.File ?? Path.Combine(AppContext.BaseDirectory, "company.yaml");
        var text = File.Exists(file) ? await File.ReadAllTextAsync(file, cancellationToken) : throw new LabException($"there is no lab file {file}");
        var declared = Read(text, file);
        if (options.Hosts?.FirstOrDefault(name => declared.Hosts.All(host => host.Name != name)) is { } unknown)
        {
            throw new LabException($"the lab file declares no host '{unknown}'");
        }

        if (OpenFolder.Obstacle(options.Folder) is { } closed)
        {
            throw new LabException($"the lab's daemons run as unprivileged users, who cannot pass through {closed}: put the lab elsewhere with --dir");
        }

        using var locked = LabState.Lock(options);
        if (LabState.Load(options.Folder) is { IsUp: true } running && HostsOf(options, declared, running).Any(host => host.IsUp))
        {
            throw new LabException($"lab '{options.Id}' is already up; 'lab down --id {options.Id}' takes it down");
        }

        var builder = new LabBuilder(options, progress);
        if (options.Cgroup.Exists && builder.FolderIsEmpty)
        {
            Directory.Delete(options.Folder, recursive: true);
            throw new LabException(
                $"a lab '{options.Id}' exists, but not in {options.Folder}: name its folder with --dir, or take it down first with 'lab down --id {options.Id}'");
        }

        await builder.RemoveAsync();
        try
        {
            var state = await builder.BuildAsync(declared, text, cancellationToken);
            state.Save(options.Folder);
            return new(options, declared, state);
        }
        catch
        {
            await RemoveAsync(options);
            throw;
        }
    }

    /// <summary>Finds a lab that is up.</summary>
    /// <exception cref="LabException">There is none of that id in that folder.</exception>
    public static RunningLab Attach(LabOptions options) =>
        LabState.Load(options.Folder) is { IsUp: true } state
            ? new(options, Read(File.ReadAllText(Path.Combine(options.Folder, "lab.yaml")), "lab.yaml"), state)
            : throw new LabException($"lab '{options.Id}' is not up; 'lab up --id {options.Id}' brings it up");

    /// <summary>Takes a lab, or whatever remains of one, down. Does nothing if there is nothing.</summary>
    public static async Task DownAsync(LabOptions options)
    {
        RequireRoot();
        using var locked = LabState.Lock(options);
        await RemoveAsync(options);
    }

    /// <inheritdoc cref="DownAsync(LabOptions)"/>
    public Task DownAsync() => DownAsync(_options);

    /// <summary>A service by its name, <c>host/daemon</c>.</summary>
    /// <exception cref="LabException">There is none.</exception>
    public LabService FindService(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Split('/') is not [var host, var daemon])
        {
            throw new LabException($"'{name}' is not of the form host/daemon");
        }

        return this[host].Declaration.Daemons.Contains(daemon) && DaemonKind.All[daemon] is { Service: { } service } kind
            ? new(this[host], kind, service)
            : throw new LabException($"host {host} serves no '{daemon}'; it runs {string.Join(", ", this[host].Declaration.Daemons)}");
    }

    /// <summary>Somebody by name.</summary>
    /// <exception cref="LabException">There is nobody of that name.</exception>
    public Person Person(string name) => People.FirstOrDefault(person => person.Name == name) ?? throw new LabException($"lab '{Id}' knows nobody called '{name}'");

    /// <summary>
    /// Kills a daemon with all that runs in its unit, and starts it again as systemd would: the unit's cgroup is removed and made anew. Returns once it answers.
    /// </summary>
    /// <exception cref="LabException">There is no such daemon, or it does not come back.</exception>
    public static async Task RestartAsync(LabHost host, string daemon, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(host);
        var start = DaemonStart.Load(host, daemon) ?? throw new LabException($"{host.Name} runs no '{daemon}'; it runs {string.Join(", ", host.Declaration.Daemons)}");
        var unit = host.Service(daemon);
        await unit.KillAsync(cancellationToken);
        await unit.RemoveAsync(cancellationToken);
        await start.RunAsync(host, DaemonKind.All[daemon], cancellationToken);
    }

    /// <summary>The state of every host, in file order.</summary>
    public IReadOnlyList<HostStatus> Status() => [.. Hosts.Select(DaemonStatus.Of)];

    internal static IReadOnlyList<LabHost> HostsOf(LabOptions options, LabDeclaration declared, LabState state) =>
        [.. declared.Hosts
            .Select((host, index) => new LabHost(options.Id, options.Folder, options.Cgroup, new(state.Network), host, index))
            .Where(host => state.Hosts.Contains(host.Name))];

    private static async Task RemoveAsync(LabOptions options)
    {
        await new LabBuilder(options, _ => { }).RemoveAsync();
        Directory.Delete(options.Folder, recursive: true);
        if (Path.GetDirectoryName(options.Folder) == "/run/bulkhead-lab")
        {
            _ = Native.Rmdir("/run/bulkhead-lab");
        }
    }

    private static LabDeclaration Read(string text, string name) =>
        LabFile.Parse(text) switch
        {
            ({ } lab, _) => lab,
            (_, var diagnostics) => throw new LabException($"{name} has mistakes:\n  {string.Join("\n  ", diagnostics)}"),
        };

    private IReadOnlyList<Link> LinksOf(IReadOnlyList<LinkDeclaration> declared)
    {
        var agents = LabState.Load(Folder)?.Agents;
        return [.. declared.Select(link => LinkOf(link, agents))];
    }

    private static Link LinkOf(LinkDeclaration link, AgentOptions? agents) =>
        link.To.Host == DaemonRef.Controller
            ? new(EndOf(link.From, agents), new(DaemonRef.Controller, link.To.Daemon, link.To.Daemon, null), "tcp", agents?.Controller.Port ?? 8444, link.Ipv6)
            : new(EndOf(link.From, agents), EndOf(link.To, agents), DaemonKind.All[link.To.Daemon].Service!.Transport, DaemonKind.All[link.To.Daemon].Service!.Port, link.Ipv6);

    private static LinkEnd EndOf(DaemonRef daemon, AgentOptions? agents) =>
        DaemonKind.All.TryGetValue(daemon.Daemon, out var kind)
            ? new(daemon.Host, daemon.Daemon, kind.Program, kind.Executable)
            : new(daemon.Host, daemon.Daemon, daemon.Daemon, agents?.Program);

    private static void RequireRoot()
    {
        if (Native.EffectiveUser() != 0)
        {
            throw new LabException("the lab makes namespaces and cgroups: run it as root");
        }
    }
}
