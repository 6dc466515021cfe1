namespace Bulkhead.Policy.Services;

/// <summary>
/// What can pass without a connection being tracked. Nothing remembers the request then, so a reply is known by what it carries alone: it
/// comes from the service's port of a provider, and goes back to where requests may come from.
/// </summary>
public static class StatelessPorts
{
    /// <summary>
    /// The lowest client port of UDP that is not tracked: where Linux begins to choose ports for clients. What is below serves, or was chosen on
    /// purpose, and is tracked as ever, so that a reply opens no port below.
    /// </summary>
    public const ushort FirstUdpClient = 32768;

    /// <summary>Whether ports can be stateless: those of TCP and UDP, by number, since replies are told by them.</summary>
    public static bool Includes(PortMatch ports) => ports.Protocol is IpProtocol.Tcp or IpProtocol.Udp && !ports.IsWholeProtocol;

    /// <summary>Whether connections of a client's port can be.</summary>
    public static bool IncludesClient(byte protocol, ushort port) => protocol == IpProtocol.Tcp || port >= FirstUdpClient;
}
