using System.Globalization;

namespace Bulkhead.Agent.Linux.Sockets;

/// <summary>The ports that the kernel gives to whoever does not ask for one; both ends belong to them.</summary>
internal readonly record struct EphemeralPorts(ushort Low, ushort High)
{
    // Linux's default.
    private static readonly EphemeralPorts _usual = new(32768, 60999);

    /// <summary>Whether a port is one.</summary>
    public bool Contains(ushort port) => port >= Low && port <= High;

    /// <summary>Those of the calling thread's network namespace, or the usual ones if that cannot be read.</summary>
    public static EphemeralPorts Read()
    {
        try
        {
            var fields = File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split('\t', '\n');
            return new(ushort.Parse(fields[0], CultureInfo.InvariantCulture), ushort.Parse(fields[1], CultureInfo.InvariantCulture));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return _usual;
        }
    }
}
