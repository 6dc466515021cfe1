using Bulkhead.Policy.Addresses;

namespace Bulkhead.Bench.Load;

/// <summary>Who connects to whom: IPv4 addresses and the port, in host order.</summary>
internal readonly record struct Route(uint Source, uint Destination, ushort Port)
{
    /// <summary>The client's end; the kernel chooses the port.</summary>
    public Libc.SockaddrIn From => Libc.SockaddrIn.Of(Source, 0);

    /// <summary>The server's end.</summary>
    public Libc.SockaddrIn To => Libc.SockaddrIn.Of(Destination, Port);

    /// <inheritdoc/>
    public override string ToString() => $"{IpAddress.V4(Source)} → {IpAddress.V4(Destination)}:{Port}";
}
