using System.Net;

namespace Bulkhead.Lab;

/// <summary>A service of a lab host.</summary>
public sealed class LabService
{
    internal LabService(LabHost host, DaemonKind kind, Service service)
    {
        Host = host;
        Name = $"{host.Name}/{kind.Name}";
        Port = service.Port;
        Wire = service.Wire;
    }

    /// <summary>The host that serves.</summary>
    public LabHost Host { get; }

    /// <summary>Its name, as <c>host/daemon</c>.</summary>
    public string Name { get; }

    /// <summary>Its port.</summary>
    public int Port { get; }

    internal WireProtocol Wire { get; }

    /// <summary>Where to reach it.</summary>
    public IPEndPoint EndPoint(bool ipv6) => new(Host.Address(ipv6), Port);
}
