using System.Net;
using System.Net.Sockets;
using Bulkhead.Agent.Live;
using Bulkhead.Agent.Names;
using Bulkhead.Agent.Tests.Names;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Plan;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>Names are learnt from answers that really arrive; needs root.</summary>
public sealed class NameTests : IAsyncLifetime
{
    private readonly TwoHosts _hosts = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly NameTable _names = new(100, TimeProvider.System);
    private readonly WindowPace _pace = new(1, () => TimeSpan.Zero, () => { }, TimeProvider.System);
    private Task _running = Task.CompletedTask;

    public Task InitializeAsync()
    {
        _hosts.Track(1, "unused");
        _hosts.Host.Nft($"table inet copies {{ chain input {{ type filter hook input priority 0; {NftScript.Line(new FirewallRule.CopyAnswers())}; }}; }}");
        var watch = new DnsWatch(_names, _pace);
        _running = _hosts.Host.Inside(() => watch.RunAsync(_stop.Token));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _hosts.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_that_the_host_asked_for_names_the_address(bool v6)
    {
        using var server = Udp(peer: true, new(TwoHosts.PeerAddress(v6), DnsPacket.Port));
        using var client = Udp(peer: false, new(TwoHosts.HostAddress(v6), 0));
        // The first packets may be sent before anybody listens.
        await Eventually.Holds(async () => await Ask(client, server, "www.example.org", v6) && _names.Count > 0, "the name is learnt");
        Assert.Equal("www.example.org", _names.Find(IpAddress.Parse("192.0.2.1")));
        Assert.Null(_pace.Degraded);
    }

    [Fact]
    public async Task What_nobody_asked_for_names_nothing()
    {
        using var server = Udp(peer: true, new(TwoHosts.PeerAddress(false), DnsPacket.Port));
        using var client = Udp(peer: false, new(TwoHosts.HostAddress(false), 0));
        using var other = Udp(peer: false, new(TwoHosts.HostAddress(false), 0));
        await Eventually.Holds(async () => await Ask(client, server, "asked.example", v6: false) && _names.Count > 0, "somebody listens");

        await server.SendToAsync(Answer("forged.example", "192.0.2.66"), other.LocalEndPoint!);
        // What came after it has been looked at, so has it.
        await server.SendToAsync(Answer("later.example", "192.0.2.3"), client.LocalEndPoint!);
        await Eventually.Holds(() => _names.Find(IpAddress.Parse("192.0.2.3")) is not null, "the later answer is learnt");
        Assert.Null(_names.Find(IpAddress.Parse("192.0.2.66")));
    }

    private static async Task<bool> Ask(Socket client, Socket server, string name, bool v6)
    {
        await client.SendToAsync(new byte[20], server.LocalEndPoint!);
        var question = await server.ReceiveFromAsync(new byte[100], new IPEndPoint(v6 ? IPAddress.IPv6Any : IPAddress.Any, 0));
        await server.SendToAsync(Answer(name, "192.0.2.1"), question.RemoteEndPoint);
        await client.ReceiveAsync(new byte[1000]);
        return true;
    }

    private static byte[] Answer(string name, string address) => new DnsAnswerTests.Message(name, 1).Record(1, 60, IpAddress.Parse(address).ToBytes()).Bytes;

    private Socket Udp(bool peer, IPEndPoint at)
    {
        var socket = (peer ? _hosts.Peer : _hosts.Host).Inside(() => new Socket(at.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        socket.Bind(at);
        return socket;
    }
}
