using System.Diagnostics;
using System.Net.Sockets;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>
/// An agent that is killed, refused and starved while it goes from a policy that lets the peer in on ports 22 and 81 to one for 22 and 82: whatever
/// happens, the one or the other is in force, whole. Needs root.
/// </summary>
public sealed class FaultTests : AgentProcessTests
{
    private readonly List<string> _mounts = [];
    private Socket _kept = null!;
    private Socket _before = null!;
    private Socket _after = null!;

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        _kept = Hosts.Listen(Hosts.Host, TwoHosts.HostAddress(false), 22);
        _before = Hosts.Listen(Hosts.Host, TwoHosts.HostAddress(false), 81);
        _after = Hosts.Listen(Hosts.Host, TwoHosts.HostAddress(false), 82);
    }

    public override async Task DisposeAsync()
    {
        foreach (var agent in Started.Where(agent => !agent.HasExited))
        {
            agent.Kill();
            await agent.WaitForExitAsync();
        }

        _mounts.ForEach(folder => Hosts.Host.Run("umount", folder));
        await base.DisposeAsync();
    }

    [Theory]
    [InlineData("kill -9 $PPID; exit 1")]
    [InlineData("/usr/sbin/nft \"$@\" < $script & kill -9 $PPID; wait; exit 0")]
    [InlineData("/usr/sbin/nft \"$@\" < $script; kill -9 $PPID; exit 0")]
    public async Task Killed_while_nft_is_about_to_run_runs_or_has_run(string stage)
    {
        await ReplaceNftAsync($"if grep -q -w 82 $script; then {stage}; fi");
        await KilledAsync(async agent =>
        {
            Controller.Push(After());
            await agent.WaitForExitAsync();
        });
    }

    [Theory]
    [InlineData("policy.new")]
    [InlineData("policy.copy")]
    public async Task Killed_while_a_file_of_the_policy_is_written(string file)
    {
        await KilledAsync(async agent =>
        {
            var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var watch = new FileSystemWatcher(State) { NotifyFilter = NotifyFilters.FileName };
            void Kill(object sender, FileSystemEventArgs change)
            {
                if (Path.GetFileName(change.FullPath) == file)
                {
                    agent.Kill();
                    written.TrySetResult();
                }
            }

            watch.Created += Kill;
            watch.Renamed += Kill;
            watch.EnableRaisingEvents = true;
            Controller.Push(After());
            await written.Task.WaitAsync(TimeSpan.FromSeconds(60));
            await agent.WaitForExitAsync();
        });
    }

    [Fact]
    public async Task Killed_at_any_moment_of_a_change_of_members_the_kernel_is_never_ahead_of_the_disk()
    {
        var random = new Random(20261122);
        ulong sent = 1;
        for (var round = 0; round < 6; round++)
        {
            Controller.States.Clear();
            Controller.SetFirst(Joined(sent));
            var agent = Start();
            await AppliedAsync(sent);
            for (var i = 0; i < 2; i++)
            {
                Controller.SendOnce(new ServerMessage { Delta = Join(sent++) });
                await (i == 0 ? AppliedAsync(sent) : Task.CompletedTask);
            }

            // From the moment that it is sent until it is acknowledged the change takes a few milliseconds.
            var (began, wait) = (Stopwatch.GetTimestamp(), TimeSpan.FromMilliseconds(random.NextDouble() * 8));
            while (Stopwatch.GetElapsedTime(began) < wait)
            {
            }

            agent.Kill();
            await agent.WaitForExitAsync();
            var (kernel, disk) = (Members(), Kept());
            Assert.InRange(kernel, sent - 1, sent);
            Assert.InRange(disk, kernel, sent);

            Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
            Assert.Equal(0, await RunAsync("apply", "--state", State));
            Assert.Equal(disk, Members());
        }

        ulong Kept() => Assert.IsType<Agent.Policies.CachedPolicy.Whole>(new Agent.Policies.PolicyCache(Agent.State.StateDirectory.At(State)).Load()).Policy.Policy.Generation.Number;

        // The first so many addresses, and no others.
        ulong Members()
        {
            var listed = Hosts.Host.Run("nft", "list", "set", "inet", "bulkhead", "peers_s0_v4").Split(['{', '}', ',', ' ', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries).Where(word => word.StartsWith("10.20.0.", StringComparison.Ordinal)).ToHashSet(StringComparer.Ordinal);
            Assert.Equal(Enumerable.Range(1, listed.Count).Select(i => $"10.20.0.{i}").ToHashSet(StringComparer.Ordinal), listed);
            return (ulong)listed.Count;
        }
    }

    [Fact]
    public async Task Refused_by_nft_the_earlier_policy_stays_and_the_newer_one_is_tried_until_it_is_taken()
    {
        await ReplaceNftAsync($"if grep -q -w 82 $script && ! [ -e {Folder["mended"]} ]; then echo refused >&2; exit 1; fi");
        Controller.Push(Before());
        Start();
        await AppliedAsync(2);

        Controller.Push(After());

        await Eventually.Holds(() => Controller.States.Last().Problems.Any(problem => problem.Code == "apply-failed" && problem.Message.Contains("refused", StringComparison.Ordinal)), "the refusal is reported");
        Assert.Equal(2UL, Controller.States.Last().Applied.Number);
        Assert.Equal((true, true, false), (await ReachableAsync(_kept), await ReachableAsync(_before), await ReachableAsync(_after)));
        await File.WriteAllTextAsync(Folder["mended"], "");
        await Eventually.Holds(() => Controller.States.Last() is { Applied.Number: 3, Problems.Count: 0 }, "it is taken");
        Assert.Equal((true, false, true), (await ReachableAsync(_kept), await ReachableAsync(_before), await ReachableAsync(_after)));
    }

    /// <summary>The same policy is tried again, of which nothing differs any more from what was rendered for the first try.</summary>
    [Fact]
    public async Task Connections_that_a_refused_policy_forbids_end_once_it_is_taken()
    {
        await ReplaceNftAsync($"if grep -q -w 82 $script && ! [ -e {Folder["mended"]} ]; then echo refused >&2; exit 1; fi");
        Controller.Push(Before());
        Start();
        await AppliedAsync(2);
        using var kept = await DialAsync(_kept);
        using var forbidden = await DialAsync(_before);

        Controller.Push(After());
        await Eventually.Holds(() => Controller.States.Last().Problems.Any(problem => problem.Code == "apply-failed"), "the refusal is reported");
        Assert.False(forbidden.Poll(0, SelectMode.SelectRead));
        await File.WriteAllTextAsync(Folder["mended"], "");
        await AppliedAsync(3);

        await Eventually.Holds(() => forbidden.Poll(0, SelectMode.SelectRead), "the connection is reset");
        Assert.Equal(SocketError.ConnectionReset, Assert.Throws<SocketException>(() => forbidden.Receive(new byte[1])).SocketErrorCode);
        Assert.False(kept.Poll(0, SelectMode.SelectRead));
    }

    [Theory]
    [InlineData(Mode.Full)]
    [InlineData(Mode.Visibility)]
    public async Task Files_of_the_policy_that_end_in_the_middle_are_told_of_open_nothing_and_are_fetched_anew(Mode mode)
    {
        Controller.Push(WirePolicies.Policy(2, inbound: mode).Allowing(1, Direction.Inbound, "s0", 22, $"{TwoHosts.PeerAddress(false)}"));
        var agent = Start();
        await AppliedAsync(2);
        await Eventually.Holds(() => File.Exists(Path.Combine(State, "policy.copy")), "both copies are kept");
        agent.Kill();
        await agent.WaitForExitAsync();
        foreach (var file in new[] { "policy", "policy.copy" })
        {
            using var stream = File.OpenWrite(Path.Combine(State, file));
            stream.SetLength(stream.Length / 2);
        }

        var table = Table();
        Assert.Equal(0, await RunAsync("apply", "--state", State));

        await LoggedAsync("no whole copy of the last policy");
        Assert.Equal((mode == Mode.Visibility, mode == Mode.Visibility), (await ReachableAsync(_kept), await ReachableAsync(_before)));
        Assert.Equal(mode == Mode.Visibility, table == Table());
        Controller.States.Clear();
        Start();
        await AppliedAsync(2);
        Assert.Equal((true, mode == Mode.Visibility), (await ReachableAsync(_kept), await ReachableAsync(_before)));
    }

    private async Task<Socket> DialAsync(Socket listener)
    {
        var socket = Hosts.Peer.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        await socket.ConnectAsync(listener.LocalEndPoint!);
        return socket;
    }

    [Fact]
    public async Task On_a_full_disk_policies_are_enforced_all_the_same_and_it_is_said_that_they_are_not_kept()
    {
        var identity = await File.ReadAllBytesAsync(Path.Combine(State, "identity.json"));
        Hosts.Host.Run("mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "none", State);
        _mounts.Add(State);
        await File.WriteAllBytesAsync(Path.Combine(State, "identity.json"), identity);
        Controller.Push(Before());
        Start();
        await AppliedAsync(2);
        Fill(Path.Combine(State, "filler"));

        Controller.Push(After());

        await Eventually.Holds(() => Controller.States.Last() is { Applied.Number: 3 } report && report.Problems.Any(problem => problem.Code == "policy-not-kept"), "it is enforced, and said not to be kept");
        Assert.Equal((true, false, true), (await ReachableAsync(_kept), await ReachableAsync(_before), await ReachableAsync(_after)));
        File.Delete(Path.Combine(State, "filler"));
        Controller.Push(Allowing(4, 82));
        await Eventually.Holds(() => Controller.States.Last() is { Applied.Number: 4, Problems.Count: 0 }, "the next one is kept");
    }

    /// <summary>Policy n has the first n members.</summary>
    private static HostPolicy Joined(ulong number) => Closed(number).Allowing(1, Direction.Inbound, "s0", 22, [.. FirstMembers(number)]);

    private static PolicyDelta Join(ulong from) => new()
    {
        From = new() { Epoch = 1, Number = from },
        To = new() { Epoch = 1, Number = from + 1 },
        PeerSets =
        {
            new PeerSetChange
            {
                Name = "s0",
                Digest = Bulkhead.Policy.Compile.PeerSetDigest.Of(FirstMembers(from + 1).Select(WirePolicies.Parse)),
                Added = { WirePolicies.ToWire(WirePolicies.Parse(FirstMembers(from + 1).Last())) },
            },
        },
    };

    private static IEnumerable<string> FirstMembers(ulong number) => Enumerable.Range(1, (int)number).Select(i => $"10.20.0.{i}");

    private static HostPolicy Before() => Allowing(2, 81);

    private static HostPolicy After() => Allowing(3, 82);

    private static HostPolicy Allowing(ulong number, uint port)
    {
        var peer = $"{TwoHosts.PeerAddress(false)}";
        return Closed(number).Allowing(1, Direction.Inbound, "s0", 22, peer).Allowing((long)number, Direction.Inbound, "s0", port, peer);
    }

    /// <summary>The agent dies on its way from the one policy to the other; then the host boots without its controller, and then gets it back.</summary>
    private async Task KilledAsync(Func<Process, Task> killed)
    {
        Controller.Push(Before());
        var agent = Start();
        await AppliedAsync(2);
        await killed(agent);
        await OneOfBothAsync();

        ToolFolder = null;
        Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        Assert.Equal(0, await RunAsync("apply", "--state", State));
        await OneOfBothAsync();

        Controller.States.Clear();
        Start();
        await AppliedAsync(3);
        Assert.Equal((true, false, true), (await ReachableAsync(_kept), await ReachableAsync(_before), await ReachableAsync(_after)));
    }

    private async Task OneOfBothAsync()
    {
        var reached = await Task.WhenAll(ReachableAsync(_kept), ReachableAsync(Web), ReachableAsync(_before), ReachableAsync(_after));
        Assert.Equal([true, false], reached[..2]);
        Assert.NotEqual(reached[2], reached[3]);
    }

    private static void Fill(string path)
    {
        using var file = File.Create(path);
        try
        {
            while (true)
            {
                file.Write(new byte[4096]);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // No room is left.
        }
    }
}
