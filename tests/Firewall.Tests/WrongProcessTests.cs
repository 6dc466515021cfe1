using System.Net;
using System.Net.Sockets;
using System.Text;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>Who is easily taken for somebody else: started by a relative path, gone before anybody could look, or no process at all.</summary>
public sealed class WrongProcessTests : IAsyncLifetime
{
    private static readonly Modes _full = new(EnforcementMode.Full, EnforcementMode.Full);
    private static readonly Modes _selective = new(EnforcementMode.Selective, EnforcementMode.Selective);

    private readonly TestCgroup _cgroup = new();
    private readonly TestPrograms _programs = new();
    private readonly Bench _bench;

    public WrongProcessTests() => _bench = new(_cgroup);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _bench.DisposeAsync();
        _cgroup.Dispose();
        _programs.Dispose();
    }

    [Fact]
    public async Task A_program_that_was_started_by_a_relative_path_is_who_it_is()
    {
        var (app, other) = (_programs.Copy("app"), _programs.Copy("other"));
        await _bench.ApplyAsync(Make(_full, [Tcp(RuleAction.Allow, app)], Hosts("10.77.0.2")));

        Assert.True((await ConnectAsync(Relative(app))).Reached);
        Assert.False((await ConnectAsync(Relative(other))).Reached);
    }

    [Fact]
    public async Task A_process_that_is_gone_at_once_was_judged_by_who_it_was()
    {
        var (app, other) = (_programs.Copy("app"), _programs.Copy("other"));
        await _bench.ApplyAsync(Make(_full, [Tcp(RuleAction.Allow, app) with { Ports = [PortMatch.Whole(IpProtocol.Udp)] }], Hosts("10.77.0.2")));
        using var end = new CancellationTokenSource(Bench.Deadline);
        using var receiver = _bench.Peer.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        receiver.Bind(new IPEndPoint(IPAddress.Any, 5300));
        var blocked = _bench.Blocks.NextAsync(report => report.Protocol == IpProtocol.Udp, end.Token);

        // Each says its name in one datagram and ends.
        Send(other);
        Assert.Null((await blocked).Rule);
        Send(app);

        var message = new byte[16];
        Assert.Equal("app", Encoding.ASCII.GetString(message, 0, await receiver.ReceiveAsync(message, end.Token)).Trim());
    }

    [Theory]
    [InlineData(RuleAction.Allow, false)]
    [InlineData(RuleAction.Deny, true)]
    public async Task What_the_kernel_answers_by_itself_is_no_applications(RuleAction action, bool answered)
    {
        var app = _programs.Copy("app");
        new Puppet(_bench.Host, _cgroup.Below("app.service")) { Program = app }.Serve(IpProtocol.Tcp, 5001);
        var entry = Entry(Direction.Inbound, action, 1, 0, PortMatch.Any) with { Process = new(app, null) };
        await _bench.ApplyAsync(Make(action == RuleAction.Allow ? _full : _selective, [entry], Hosts("10.77.0.2", "fd77::2")));

        foreach (var (isV6, protocol, type) in ((bool, byte, ushort)[])[(false, IpProtocol.Icmp, 8), (true, IpProtocol.IcmpV6, 128)])
        {
            Assert.Equal(answered, (await Probe.RunAsync(_bench, _bench.Peer, Bench.HostAddress(isV6), protocol, type)).Reached);
        }

        Assert.Equal(!answered, (await Probe.RunAsync(_bench, _bench.Peer, Bench.HostAddress(false), IpProtocol.Tcp, 5001)).Reached);
    }

    private static Policy.Compile.HostEntry Tcp(RuleAction action, string program) =>
        Entry(Direction.Outbound, action, 1, 0, PortMatch.Whole(IpProtocol.Tcp)) with { Process = new(program, null) };

    private static string Relative(string path) => Path.GetRelativePath(Environment.CurrentDirectory, path);

    private Task<Attempt> ConnectAsync(string program) =>
        (new Puppet(_bench.Host, _cgroup.Below("x.service")) { Program = program }).ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443);

    private void Send(string program) => _bench.Host.Run(
        "sh", "-c", "echo $$ > \"$0/cgroup.procs\"; echo \"${1##*/}\" | \"$1\" -u - \"UDP4:$2:5300\" || true", _cgroup.Below("x.service"), program, $"{Bench.PeerAddress(false)}");
}
