using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Matrix;

/// <summary>Sockets for what goes to several hosts. To be called inside a host's network.</summary>
internal static partial class Groupcast
{
    private const string Interface = "eth0";

    /// <summary>Has a socket of both families get what is sent to the group; an IPv6 socket gets nothing of IPv4 groups that it has not joined itself.</summary>
    public static void Join(Socket socket, LabHost host)
    {
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(Group.Address(false), host.Ipv4));
        socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.AddMembership, new IPv6MulticastOption(Group.Address(true), Index()));
    }

    /// <summary>Has a socket send to a group or to all, out of the host's interface.</summary>
    /// <returns>The address to send to, with the interface where it takes one.</returns>
    public static IPAddress Prepare(Socket socket, IPAddress to, LabHost from)
    {
        if (socket.AddressFamily == AddressFamily.InterNetworkV6)
        {
            return new(to.GetAddressBytes(), Index());
        }

        socket.EnableBroadcast = true;
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, from.Ipv4.GetAddressBytes());
        return to;
    }

    private static uint Index() => IndexOf(Interface);

    [LibraryImport("libc", EntryPoint = "if_nametoindex", StringMarshalling = StringMarshalling.Utf8)]
    private static partial uint IndexOf(string name);
}
