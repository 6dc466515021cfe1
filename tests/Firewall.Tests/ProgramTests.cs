using System.Runtime.InteropServices;
using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>Others who take our eBPF programs off, replace them, write to their maps, or keep sockets from being stamped; for real.</summary>
public sealed class ProgramTests : IAsyncLifetime
{
    private const int OptionHook = 22;
    private const uint Alice = 30001;

    private static readonly Dictionary<string, int> _hooks = new()
    {
        ["bulkhead_opt"] = OptionHook, ["bulkhead_create"] = 2, ["bulkhead_conn4"] = 10, ["bulkhead_conn6"] = 11, ["bulkhead_send4"] = 14, ["bulkhead_send6"] = 15,
    };

    private readonly TestCgroup _cgroup = new();
    private readonly TestPrograms _programs = new();
    private readonly Bench _bench;
    private readonly ManualTimer _time = new();
    private readonly List<string> _told = [];
    private readonly string _app;
    private readonly string _other;
    private readonly HostPolicy _policy;

    public ProgramTests()
    {
        _bench = new(_cgroup);
        (_app, _other) = (_programs.Copy("app"), _programs.Copy("other"));
        _cgroup.Members[Alice] = ["dba"];
        _policy = Make(
            new(EnforcementMode.Full, EnforcementMode.Full),
            [
                Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Whole(IpProtocol.Tcp)) with { Process = new(_app, null) },
                Entry(Direction.Outbound, RuleAction.Allow, 2, 0, PortMatch.Whole(IpProtocol.Tcp)) with { Process = new(_app, null), Users = ["dba"] },
            ],
            Hosts("10.77.0.2", "fd77::2"));
    }

    public Task InitializeAsync() => _bench.ApplyAsync(_policy);

    public async Task DisposeAsync()
    {
        await _bench.DisposeAsync();
        _cgroup.Dispose();
        _programs.Dispose();
    }

    public static TheoryData<string> Programs => [.. _hooks.Keys];

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task A_program_that_is_taken_off_is_noticed_named_and_put_back(string program) =>
        await RepairedAsync($"program {program} was taken off", () => TakeOff(program));

    [Fact]
    public async Task All_programs_taken_off_at_once_are_put_back_and_sockets_made_meanwhile_are_who_they_are()
    {
        await RepairedAsync(string.Join("; ", _hooks.Keys.Select(program => $"program {program} was taken off")), () =>
        {
            SocketStamps.Remove(_cgroup.Tree.Root);
            Puppet(_app).Serve(IpProtocol.Tcp, 5001);
            Puppet(_other).Serve(IpProtocol.Tcp, 5002);
        });
        Assert.True(await ReachableAsync(5001));
        Assert.False(await ReachableAsync(5002));
    }

    [Fact]
    public async Task A_mark_that_was_forged_while_nobody_refused_it_is_taken_back_and_its_connection_ended()
    {
        var allowed = _cgroup.Owners.Marks!.Marks.First(mark => mark.Owner.Path == _app && mark.Owner.Groups.Contains("dba")).Mark;
        var forger = Puppet(_programs.Copy("forger", "/usr/bin/perl"));
        var said = Task.FromResult("");
        await RepairedAsync(null, () =>
        {
            SocketStamps.Remove(_cgroup.Tree.Root);
            said = forger.MarkAsync(allowed, Bench.PeerAddress(false), IpProtocol.Tcp, 443, stay: true);
            Assert.True(SpinWait.SpinUntil(() => _bench.Host.Run("cat", "/proc/net/tcp").Contains(":01BB 01 ", StringComparison.Ordinal), Bench.Deadline), "the forger gets through");
        });
        Assert.Equal("set 0 reached ended", await said.WaitAsync(Bench.Deadline));
    }

    [Fact]
    public async Task A_program_that_another_one_of_its_name_replaced_is_put_back()
    {
        using var fake = BpfObject.Load("marks.bpf.o");
        await RepairedAsync("program bulkhead_create was taken off", () => Attach(fake.Program("bulkhead_create"), _cgroup.Tree.Root, "bulkhead_create", replace: true));
        Assert.Single(Attached("bulkhead_create"));
    }

    public static TheoryData<string, int, int, string> Maps => new()
    {
        { "bulkhead_class", 8, 4, "changed" }, { "bulkhead_class", 8, 4, "removed" }, { "bulkhead_class", 8, 4, "added" },
        { "bulkhead_path", 4, 4, "removed" }, { "bulkhead_path", 4, 4, "added" },
        { "bulkhead_step", 68, 4, "changed" }, { "bulkhead_step", 68, 4, "removed" },
        { "bulkhead_user", 4, 4, "added" }, { "bulkhead_user", 4, 4, "removed" }, { "bulkhead_name", 4, 1024, "changed" },
    };

    [Theory]
    [MemberData(nameof(Maps))]
    public async Task What_others_write_to_a_map_is_noticed_counted_and_undone(string map, int keyLength, int valueLength, string act) =>
        await RepairedAsync($"map {map}: 1 {act} of ", () => Change(map, keyLength, valueLength, act));

    [Fact]
    public void Nobody_writes_to_the_settings() => Assert.Throws<BpfException>(() => Change("bulkhead_set", 4, 16, "changed"));

    [Fact]
    public async Task Programs_that_no_rule_needs_are_not_looked_after()
    {
        await _bench.ApplyAsync(Make(new(EnforcementMode.Full, default), [Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(80))], Hosts("10.77.0.2")));
        using var watch = _bench.Driver.WatchOwners(_told.Add, _time);
        SocketStamps.Remove(_cgroup.Tree.Root);
        _time.Fire();
        Assert.Empty(_told);
        await _bench.ApplyAsync(_policy);
        Assert.Single(Attached("bulkhead_create"));
    }

    [Fact]
    public async Task A_socket_that_cannot_be_stamped_is_told_met_by_no_allow_and_stamped_as_soon_as_it_can_be()
    {
        using var warden = BpfObject.Load("marks.bpf.o");
        new BpfMap<uint, Settings>(warden.Map("bulkhead_set")).Set(0, new() { Mask = _cgroup.Owners.Marks!.Mask, Secret = 1 });
        SocketStamps.Remove(_cgroup.Tree.Root);
        Puppet(_app).Serve(IpProtocol.Tcp, 5001);
        Attach(warden.Program("bulkhead_opt"), _cgroup.Below("x.service"), "bulkhead_opt", replace: false);
        using var watch = _bench.Driver.WatchOwners(_told.Add, _time);
        _time.Fire();

        await _bench.ApplyAsync(_policy);

        Assert.StartsWith("cannot stamp a socket of process ", Assert.Single(_bench.Driver.Unstamped), StringComparison.Ordinal);
        Assert.False(await ReachableAsync(5001));
        SocketStamps.Remove(_cgroup.Below("x.service"));
        Assert.True((await _bench.Host.Inside(() => _bench.Driver.RestampAsync(default))).Ok);
        Assert.Empty(_bench.Driver.Unstamped);
        Assert.True(await ReachableAsync(5001));
    }

    [Fact]
    public async Task Opening_the_host_takes_the_programs_off_and_closing_it_again_puts_them_back()
    {
        Assert.True((await _bench.Host.Inside(() => _bench.Driver.RemoveAsync(default))).Ok);
        Assert.All(_hooks.Keys, program => Assert.Empty(Attached(program)));
        Puppet(_app).Serve(IpProtocol.Tcp, 5001);
        Puppet(_other).Serve(IpProtocol.Tcp, 5002);
        Assert.True(await ReachableAsync(5002));

        await _bench.ApplyAsync(_policy, replace: true);

        Assert.All(_hooks.Keys, program => Assert.Single(Attached(program)));
        Assert.True(await ReachableAsync(5001));
        Assert.False(await ReachableAsync(5002));
    }

    /// <summary>The next look tells of an act, the next apply undoes it, and rules for owners hold.</summary>
    private async Task RepairedAsync(string? expected, Action act)
    {
        using var watch = _bench.Driver.WatchOwners(_told.Add, _time);
        _time.Fire();
        Assert.Empty(_told);
        act();
        _time.Fire();
        Assert.StartsWith(expected ?? "", Assert.Single(_told), StringComparison.Ordinal);
        await _bench.ApplyAsync(_policy);
        _time.Fire();
        Assert.Single(_told);
        var alice = Puppet(_app) with { Login = Alice };
        Assert.True((await alice.ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443)).Reached);
        Assert.False((await (alice with { Program = _other }).ConnectAsync(_bench, Bench.PeerAddress(true), IpProtocol.Tcp, 443)).Reached);
        Assert.False((await (alice with { Login = Alice + 1 }).ConnectAsync(_bench, Bench.PeerAddress(false), IpProtocol.Tcp, 443)).Reached);
    }

    private async Task<bool> ReachableAsync(ushort port) => (await Probe.RunAsync(_bench, _bench.Peer, Bench.HostAddress(false), IpProtocol.Tcp, port)).Reached;

    private Puppet Puppet(string program) => new(_bench.Host, _cgroup.Below("x.service")) { Program = program };

    private List<string> Attached(string program)
    {
        using var folder = FolderReader.Open(_cgroup.Tree.Root);
        var all = AttachedProgram.All(folder, _hooks[program]);
        all.ForEach(one => one.Dispose());
        return [.. all.Select(one => one.Name)];
    }

    private void TakeOff(string program)
    {
        using var folder = FolderReader.Open(_cgroup.Tree.Root);
        using var attached = AttachedProgram.All(folder, _hooks[program]).Single();
        Assert.Equal(0, Libbpf.Detach(attached.Descriptor, folder, _hooks[program]));
    }

    private static unsafe void Attach(int program, string cgroup, string name, bool replace)
    {
        using var folder = FolderReader.Open(cgroup);
        using var before = replace ? AttachedProgram.All(folder, _hooks[name]).Single() : null;
        var options = new Libbpf.AttachOptions
        {
            Size = (nuint)sizeof(Libbpf.AttachOptions), Flags = Libbpf.AllowMulti | (replace ? Libbpf.Replace : 0), ReplacedProgram = before?.Descriptor ?? 0,
        };
        Assert.Equal(0, Libbpf.Attach(program, folder, _hooks[name], &options));
    }

    private unsafe void Change(string name, int keyLength, int valueLength, string act)
    {
        using var folder = FolderReader.Open(_cgroup.Tree.Root);
        using var program = AttachedProgram.All(folder, _hooks["bulkhead_create"]).Single();
        using var map = program.OpenMap(name, valueLength)!;
        byte[] key = new byte[keyLength], value = new byte[valueLength];
        fixed (byte* keyAt = key, valueAt = value)
        {
            Assert.Equal(0, Libbpf.NextKey(map.Descriptor, null, keyAt));
            Assert.Equal(0, Libbpf.Lookup(map.Descriptor, keyAt, valueAt));
            if (act == "removed")
            {
                Assert.Equal(0, Libbpf.Delete(map.Descriptor, keyAt));
                return;
            }

            (act == "added" ? key : value)[1] ^= 0x55;
            _ = BpfException.Check(Libbpf.Update(map.Descriptor, keyAt, valueAt, 0), "write a map");
        }
    }

    /// <summary>struct settings.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Settings
    {
        public uint Mask;
        public uint MountNamespace;
        public ulong Secret;
    }
}
