using System.Net;
using System.Text.Json;

namespace Bulkhead.Lab;

/// <summary>How a daemon is started; kept beside its log, so that it can be started again as it was.</summary>
internal sealed record DaemonStart(Launch Launch)
{
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(1);

    /// <summary>How a host's daemon was started; null if it never was.</summary>
    public static DaemonStart? Load(LabHost host, string daemon) =>
        File.Exists(FileOf(host, daemon)) ? new(JsonSerializer.Deserialize<Launch>(File.ReadAllText(FileOf(host, daemon)))!) : null;

    /// <summary>Starts it in its unit's cgroup and waits until it answers.</summary>
    /// <exception cref="LabException">It does not; the message has the end of its log.</exception>
    public async Task RunAsync(LabHost host, DaemonKind kind, CancellationToken cancellationToken)
    {
        Save(FileOf(host, kind.Name));
        var cgroup = host.Service(kind.Name);
        cgroup.Create();
        var log = Path.Combine(host.Folder, kind.Name + ".log");
        using var process = await new Invocation(Launch.Arguments)
        {
            Cgroup = cgroup,
            NamespacesOf = host.InitProcess,
            User = kind.User,
            Folder = Path.Combine(host.Folder, kind.Name),
            Environment = Launch.Environment,
        }.StartDetachedAsync(log, cancellationToken);

        var network = host.Network;
        try
        {
            await Deadline.UntilAsync(
                async () => process.HasExited || await IsReadyAsync(kind, network, cancellationToken),
                ReadyWithin,
                $"{host.Name}/{kind.Name} did not answer",
                cancellationToken);
        }
        catch (LabException e)
        {
            throw new LabException($"{e.Message}; its log ends:\n{EndOf(log)}", e);
        }

        if (process.HasExited)
        {
            throw new LabException($"{host.Name}/{kind.Name} ended as soon as it started; its log ends:\n{EndOf(log)}");
        }
    }

    private void Save(string file)
    {
        File.WriteAllText(file, JsonSerializer.Serialize(Launch));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static async Task<bool> IsReadyAsync(DaemonKind kind, NetworkNamespace network, CancellationToken cancellationToken) =>
        kind.Service is not { } service
        || (await ServiceProbe.TryAsync(network, new(IPAddress.Loopback, service.Port), service.Wire, ProbeTimeout, cancellationToken)
            is { Answer: { } answer } && service.Wire.IsReady(answer));

    private static string EndOf(string log) => string.Join('\n', File.ReadLines(log).TakeLast(15));

    private static string FileOf(LabHost host, string daemon) => Path.Combine(host.Folder, daemon + ".start.json");
}
