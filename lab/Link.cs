namespace Bulkhead.Lab;

/// <summary>A declared connection, with the processes that must be found at its ends.</summary>
/// <param name="From">The connecting end.</param>
/// <param name="To">The serving end.</param>
/// <param name="Protocol"><c>tcp</c> or <c>udp</c>.</param>
/// <param name="Port">The server's port.</param>
/// <param name="Ipv6">Whether it is made over IPv6.</param>
public sealed record Link(LinkEnd From, LinkEnd To, string Protocol, int Port, bool Ipv6);

/// <summary>One end of a link.</summary>
/// <param name="Host">The host's name, or <c>controller</c>.</param>
/// <param name="Daemon">The daemon; its cgroup is <c>DAEMON.service</c> below the host's.</param>
/// <param name="Process">The name of the program that holds the socket; the kernel cuts its own copy at 15 characters.</param>
/// <param name="Executable">What <c>/proc/PID/exe</c> shows for it; null where the lab does not know.</param>
public sealed record LinkEnd(string Host, string Daemon, string Process, string? Executable)
{
    /// <summary>The systemd unit that the cgroup stands for.</summary>
    public string Unit => Daemon + ".service";
}
