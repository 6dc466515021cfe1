using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Linux.Netlink;

/// <summary>Reads the addresses of the network namespace that its socket was opened in (rtnetlink).</summary>
public sealed class LocalAddresses : IDisposable
{
    private const ushort GetAddress = 22;
    private const int AddressHeader = 8;
    private const ushort Address = 1;
    private const ushort Local = 2;

    private readonly NetlinkSocket _socket;
    private readonly byte[] _buffer = new byte[64];

    private LocalAddresses(NetlinkSocket socket) => _socket = socket;

    /// <summary>Opens it for the calling thread's network namespace.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static LocalAddresses Open() => new(NetlinkSocket.Open(NetlinkFamily.Route));

    /// <summary>Every address of every interface, loopback among them.</summary>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public HashSet<IpAddress> Read()
    {
        var found = new HashSet<IpAddress>();
        var writer = new NetlinkWriter(_buffer, GetAddress, NetlinkFlags.Request | NetlinkFlags.Dump);
        writer.Raw(stackalloc byte[AddressHeader]);
        _socket.Exchange(writer.End(), message =>
        {
            // On a point-to-point link the plain address is the other end's; then the local one comes as well.
            IpAddress? address = null;
            var attributes = message.Attributes(AddressHeader);
            while (attributes.Next())
            {
                if (attributes.Type == Local || (attributes.Type == Address && address is null))
                {
                    address = IpAddress.TryRead(attributes.Value, out var read) ? read : address;
                }
            }

            if (address is { } one)
            {
                found.Add(one);
            }
        }).ThrowIfFailed("read the host's addresses");
        return found;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
