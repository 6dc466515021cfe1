using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Firewall.Tests;

public class NetlinkTests
{
    [Fact]
    public void Whatever_bytes_come_the_readers_stay_within_them_and_end()
    {
        for (var seed = 0; seed < 5000; seed++)
        {
            var random = new Random(seed);
            var bytes = new byte[random.Next(0, 200)];
            random.NextBytes(bytes);
            if (bytes.Length > 4 && seed % 2 == 0)
            {
                // Half of them claim a plausible length.
                bytes[0] = (byte)bytes.Length;
                bytes[1] = bytes[2] = bytes[3] = 0;
            }

            var reader = new NetlinkReader(bytes);
            while (reader.Next())
            {
                _ = Conntrack.TryRead(reader.Current, out _);
                var attributes = reader.Current.Attributes(4);
                while (attributes.Next())
                {
                    _ = (attributes.U8(), attributes.U16Be(), attributes.U32Be(), attributes.U64Be(), attributes.U32(), attributes.U64(), attributes.Text());
                }
            }
        }
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        var writer = NetlinkWriter.Netfilter(new byte[256], 1, 2, NetlinkFlags.Request, 10, 4077);
        writer.Text(3, "odd");
        var nest = writer.Nest(9);
        writer.U16Be(1, 0x1234);
        writer.U32Be(2, 0x12345678);
        writer.Close(nest);
        writer.U8(5, 7);
        var reader = new NetlinkReader(writer.End());
        Assert.True(reader.Next());
        Assert.Equal(0x0102, reader.Current.Type);
        var attributes = reader.Current.Attributes(4);
        Assert.True(attributes.Next());
        Assert.Equal((3, "odd"), (attributes.Type, attributes.Text()));
        Assert.True(attributes.Next());
        var inner = attributes.Nested();
        Assert.True(inner.Next());
        Assert.Equal(0x1234, inner.U16Be());
        Assert.True(inner.Next());
        Assert.Equal(0x12345678u, inner.U32Be());
        Assert.False(inner.Next());
        Assert.True(attributes.Next());
        Assert.Equal(7, attributes.U8());
        Assert.False(attributes.Next());
        Assert.False(reader.Next());
    }

    [Fact]
    public async Task Sockets_are_found_by_their_ends_and_listeners_listed()
    {
        await using var bench = new Bench();
        using var sockets = bench.Host.Inside(SocketDiagnostics.Open);
        var dialled = await bench.DialAsync(bench.Host, Bench.PeerAddress(true), 80);
        var port = (ushort)((System.Net.IPEndPoint)dialled.LocalEndPoint!).Port;
        var found = sockets.Find(IpProtocol.Tcp, Bench.HostAddress(true), port, Bench.PeerAddress(true), 80);
        Assert.Equal((SocketState.Established, port), (found?.State, found?.LocalPort));
        Assert.NotEqual(0u, found!.Inode);
        Assert.Null(sockets.Find(IpProtocol.Tcp, Bench.HostAddress(true), port, Bench.PeerAddress(true), 81));
        var listeners = sockets.Dump(IpProtocol.Tcp, SocketDiagnostics.States(SocketState.Listen));
        Assert.Equal(Bench.Ports.Select(p => (ushort)p), listeners.Select(l => l.LocalPort).Order());
    }

    [Fact]
    public void Admitted_connections_are_dumped_refused_twice_and_deleted_in_both_families()
    {
        using var host = NetworkNamespace.Create();
        using var conntrack = host.Inside(Conntrack.Open);
        foreach (var (source, destination) in ((string, string)[])[("10.0.0.1", "10.0.0.2"), ("fd00::1", "fd00::2")])
        {
            var tuple = new FlowTuple(IpProtocol.Tcp, IpAddress.Parse(source), 50000, IpAddress.Parse(destination), 443);
            Assert.True(conntrack.Admit(new(tuple)));
            Assert.False(conntrack.Admit(new(tuple)));
            var held = Assert.Single(conntrack.Dump());
            Assert.Equal(tuple, held.Original);
            Assert.Equal((tuple.Destination, tuple.DestinationPort), (held.Reply.Source, held.Reply.SourcePort));
            Assert.True(conntrack.Delete(held));
            Assert.False(conntrack.Delete(held));
            Assert.Empty(conntrack.Dump());
        }
    }

    [Theory]
    [InlineData("ftp", false, true)]
    [InlineData("ftp", true, true)]
    [InlineData("pptp", false, true)]
    [InlineData("pptp", true, false)]
    public void Admitted_connections_have_the_helper_that_knows_their_family(string name, bool isV6, bool has)
    {
        using var host = NetworkNamespace.Create();
        using var conntrack = host.Inside(Conntrack.Open);
        var tuple = new FlowTuple(IpProtocol.Tcp, Bench.PeerAddress(isV6), 50000, Bench.HostAddress(isV6), 443);
        Assert.True(conntrack.Admit(new(tuple, Helper: ConnectionHelper.Find(name)), 0xff00));
        Assert.Equal(has ? (name, 0xff00u) : (null, 0u), Assert.Single(conntrack.Dump()) is var held ? (held.Helper, held.Mark) : default);
    }

    [Fact]
    public async Task The_hosts_addresses_are_read()
    {
        await using var bench = new Bench();
        using var addresses = bench.Host.Inside(LocalAddresses.Open);
        IpAddress[] expected = [Bench.HostAddress(false), Bench.HostAddress(true), IpAddress.Parse("127.0.0.1"), IpAddress.Parse("::1")];
        Assert.Superset(expected.ToHashSet(), addresses.Read());
    }

    [Fact]
    public void A_refused_request_carries_the_kernels_number()
    {
        using var host = NetworkNamespace.Create();
        using var socket = host.Inside(() => NetlinkSocket.Open(NetlinkFamily.Route));
        var writer = new NetlinkWriter(new byte[64], 17, NetlinkFlags.Request | NetlinkFlags.Ack);
        writer.Raw([0, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        var outcome = socket.Exchange(writer.End());
        Assert.False(outcome.Ok);
        Assert.Contains("(errno ", Assert.Throws<NetlinkException>(() => outcome.ThrowIfFailed("delete a link")).Message, StringComparison.Ordinal);
    }
}
