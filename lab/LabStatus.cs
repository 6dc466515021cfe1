namespace Bulkhead.Lab;

/// <summary>The state of a host.</summary>
public sealed record HostStatus(
    string Name, string Ipv4, string Ipv6, IReadOnlyDictionary<string, string> Labels, bool IsUp,
    string Cgroup, string MachineId, string HardwareUuid, IReadOnlyList<DaemonStatus> Daemons, DaemonStatus Agent);

/// <summary>The state of a daemon or agent.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Pid">Its first process; null if it has none.</param>
public sealed record DaemonStatus(string Name, int? Pid)
{
    /// <summary>Whether it runs.</summary>
    public bool IsUp => Pid is not null;

    internal static DaemonStatus Of(LabHost host, string name) =>
        new(name, host.Service(name).Processes() is [var pid, ..] ? pid : null);

    internal static HostStatus Of(LabHost host) => new(
        host.Name, host.Ipv4.ToString(), host.Ipv6.ToString(), host.Declaration.Labels, host.IsUp,
        host.Cgroup.Path, host.MachineId, host.HardwareUuid,
        [.. host.Declaration.Daemons.Select(daemon => Of(host, daemon))],
        Of(host, DaemonRef.Agent));
}
