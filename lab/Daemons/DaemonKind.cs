namespace Bulkhead.Lab;

/// <summary>A kind of daemon that lab hosts run: what it serves, what it connects to, how it is set up and started.</summary>
internal abstract class DaemonKind
{
    /// <summary>All kinds by name.</summary>
    public static IReadOnlyDictionary<string, DaemonKind> All { get; } =
        new DaemonKind[]
        {
            new Nginx(), new AppServer(), new MariaDb(), new PostgreSql(), new Redis(), new Prometheus(), new NodeExporter(),
            new Sshd(), new SshClient(), new Dnsmasq(), new Browser(),
        }.ToDictionary(kind => kind.Name, StringComparer.Ordinal);

    /// <summary>The name in lab files and, with <c>.service</c>, of the cgroup.</summary>
    public abstract string Name { get; }

    /// <summary>The name of the program whose processes hold the daemon's sockets.</summary>
    public abstract string Program { get; }

    /// <summary>The user it runs as.</summary>
    public abstract string User { get; }

    /// <summary>What it serves, if anything.</summary>
    public virtual Service? Service => null;

    /// <summary>The kinds that it knows how to connect to; links to others are refused.</summary>
    public virtual IReadOnlyList<string> Consumes => [];

    /// <summary>The path that <c>/proc/PID/exe</c> shows for its processes, or null if it is not installed.</summary>
    public virtual string? Executable => Tool.Executable(Program);

    /// <summary>Writes configuration and data into the daemon's folder and says how to start it.</summary>
    public abstract Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken);
}

/// <summary>A served port.</summary>
internal sealed record Service(string Transport, int Port, WireProtocol Wire);

/// <summary>A command line and what it needs in its environment.</summary>
internal sealed record Launch(params string[] Arguments)
{
    /// <summary>Variables added to a minimal environment.</summary>
    public Dictionary<string, string> Environment { get; init; } = [];
}
