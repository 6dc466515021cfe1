using System.Reflection;
using Bulkhead.Agent.State;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Linux;

/// <summary>What an agent says of its host and of itself.</summary>
internal static class HostFacts
{
    /// <summary>The agent's version, without the commit.</summary>
    public static string Version { get; } =
        (typeof(HostFacts).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0").Split('+')[0];

    /// <summary>Version, system, kernel and features.</summary>
    /// <param name="features">What this host can decide; before that was tried, what every host can.</param>
    public static AgentInfo Agent(IEnumerable<string> features) => new()
    {
        Version = Version,
        Os = OperatingSystem(),
        Kernel = FirstLine("/proc/sys/kernel/osrelease"),
        Features = { features },
    };

    /// <summary>What tells this host from its clones.</summary>
    /// <param name="name">The workload's name, or null for the host's.</param>
    /// <param name="hardwareUuid">In place of the firmware's, or null.</param>
    public static HostIdentity Host(string? name, string? hardwareUuid) => new()
    {
        MachineId = FirstLine("/etc/machine-id"),
        HardwareUuid = hardwareUuid ?? FirstLine("/sys/class/dmi/id/product_uuid").ToLowerInvariant(),
        HostName = name ?? Environment.MachineName,
    };

    /// <inheritdoc cref="Host(string?, string?)"/>
    public static HostIdentity Host(Identity identity) => Host(identity.Name, identity.HardwareUuid);

    private static string OperatingSystem()
    {
        const string key = "PRETTY_NAME=";
        try
        {
            return File.ReadLines("/etc/os-release").FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal))?[key.Length..].Trim('"') ?? "Linux";
        }
        catch (IOException)
        {
            return "Linux";
        }
    }

    private static string FirstLine(string path)
    {
        try
        {
            return File.ReadLines(path).FirstOrDefault()?.Trim() ?? "";
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
