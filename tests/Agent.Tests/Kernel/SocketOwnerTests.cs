using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;
using Bulkhead.Firewall.Tests;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>The program itself and rules for units and executables; needs root.</summary>
public sealed class SocketOwnerTests : AgentProcessTests
{
    private const int SocketCreate = 2;

    private readonly TestCgroup _cgroup = new();
    private readonly TestPrograms _programs = new();

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _cgroup.Dispose();
        _programs.Dispose();
    }

    [Fact]
    public async Task A_port_is_its_units_alone_also_after_the_unit_was_started_again()
    {
        var policy = Closed(2).Allowing(1, Direction.Inbound, "s0", 5001, $"{TwoHosts.PeerAddress(false)}");
        policy.Entries[0].ProcessUnit = "app.service";
        policy.RequiredFeatures.Add("unit-inbound-1");
        Controller.Push(policy);
        Start("--cgroup", _cgroup.Name);
        await AppliedAsync(2);
        Assert.Contains("unit-outbound-1", Controller.States.Last().Agent.Features);
        foreach (var path in (string[])["app.service", "system.slice/app.service"])
        {
            Serve(_cgroup.Below(path));
            await Eventually.Holds(() => ReachableAsync(5001), "the unit is reached");
            _cgroup.Kill(path);
            _cgroup.Remove(path);
            Serve(_cgroup.Below("other.service"));
            Assert.False(await ReachableAsync(5001));
            _cgroup.Kill("other.service");
        }
    }

    [Fact]
    public async Task A_port_is_its_executables_alone_also_while_no_agent_runs_and_after_unpairing_nothing_of_it_is_left()
    {
        var (app, other) = (_programs.Copy("app"), _programs.Copy("other"));
        var policy = Closed(2).Allowing(1, Direction.Inbound, "s0", 5001, $"{TwoHosts.PeerAddress(false)}");
        policy.Entries[0].ProcessPath = app;
        policy.RequiredFeatures.Add("process-inbound-1");
        Controller.Push(policy);
        // Older than the agent, and than the one after it.
        Serve(_cgroup.Below("first.scope"), app);
        var agent = Start("--cgroup", _cgroup.Name);
        await AppliedAsync(2);
        Assert.Equal(Features.All, Controller.States.Last().Agent.Features);
        Assert.True(await ReachableAsync(5001));
        Serve(_cgroup.Below("second.scope"), other, 5002);

        agent.Kill();
        await agent.WaitForExitAsync();
        Assert.True(await ReachableAsync(5001));
        await ReplaceAsync(other, reachable: false);
        await ReplaceAsync(app, reachable: true);

        Controller.Push(policy.Clone().Numbered(3));
        agent = Start("--cgroup", _cgroup.Name);
        await AppliedAsync(3);
        Assert.True(await ReachableAsync(5001));
        await ReplaceAsync(other, reachable: false);

        agent.Kill();
        await agent.WaitForExitAsync();
        Assert.Single(Attached());
        Assert.Equal(0, await RunAsync("unpair", "--state", State));
        Assert.Empty(Attached());
    }

    [Fact]
    public async Task Programs_that_somebody_takes_off_come_back_within_a_second_and_are_told_of_and_panic_takes_them_off_for_good()
    {
        var (app, other) = (_programs.Copy("app"), _programs.Copy("other"));
        var policy = Closed(2).Allowing(1, Direction.Inbound, "s0", 5001, $"{TwoHosts.PeerAddress(false)}");
        policy.Entries[0].ProcessPath = app;
        policy.RequiredFeatures.Add("process-inbound-1");
        Controller.Push(policy);
        var agent = Start("--cgroup", _cgroup.Name);
        await AppliedAsync(2);

        SocketStamps.Remove(_cgroup.Tree.Root);
        Serve(_cgroup.Below("first.scope"), other);
        await Eventually.Holds(() => Attached().Count == 1, "the program is back");
        await Eventually.Holds(() => Controller.States.Last() is { Tampered: > 0 } report && report.Problems.Any(problem => problem.Code == "programs-tampered"), "it is told of");
        Assert.Contains("program bulkhead_create was taken off", Controller.States.Last().Problems.Single().Message, StringComparison.Ordinal);
        Assert.False(await ReachableAsync(5001));
        await ReplaceAsync(app, reachable: true);

        Assert.Equal(0, await RunAsync("panic", "--state", State, "--reason", "test"));
        Assert.Empty(Attached());
        await ReplaceAsync(other, reachable: true);
        Assert.Equal(0, await RunAsync("resume", "--state", State));
        Assert.Single(Attached());
        Assert.False(await ReachableAsync(5001));
        await ReplaceAsync(app, reachable: true);

        agent.Kill();
        await agent.WaitForExitAsync();
        Assert.Equal(0, await RunAsync("panic", "--state", State, "--reason", "test"));
        Assert.Empty(Attached());
        Controller.States.Clear();
        Start("--cgroup", _cgroup.Name);
        await Eventually.Holds(() => Controller.States.LastOrDefault()?.Problems.Any(problem => problem.Code == "panic") == true, "the order is followed");
        Assert.Empty(Attached());
        Assert.Equal(0, await RunAsync("resume", "--state", State));
        Assert.Single(Attached());
        Assert.True(await ReachableAsync(5001));
    }

    /// <summary>Has another program listen in place of the one before.</summary>
    private async Task ReplaceAsync(string program, bool reachable)
    {
        _cgroup.Kill("first.scope");
        Serve(_cgroup.Below("first.scope"), program);
        Assert.Equal(reachable, await ReachableAsync(5001));
    }

    private List<string> Attached()
    {
        using var folder = Agent.Linux.Processes.FolderReader.Open(_cgroup.Tree.Root);
        var attached = AttachedProgram.All(folder, SocketCreate);
        attached.ForEach(program => program.Dispose());
        // Those of telemetry are the running agent's, and go with it.
        return [.. attached.Select(program => program.Name).Where(name => name != "bulkhead_open")];
    }

    /// <summary>Has a program of a cgroup listen.</summary>
    private void Serve(string cgroup, string program = "socat", int port = 5001)
    {
        Hosts.Host.Run("sh", "-c", "echo $$ > \"$0/cgroup.procs\"; \"$1\" TCP4-LISTEN:$2,fork,reuseaddr PIPE > /dev/null 2>&1 &", cgroup, program, $"{port}");
        Assert.True(SpinWait.SpinUntil(() => Hosts.Host.Run("cat", "/proc/net/tcp").Contains($":{port:X4} 00000000:0000 0A", StringComparison.Ordinal), TimeSpan.FromSeconds(20)), "socat listens");
    }
}
