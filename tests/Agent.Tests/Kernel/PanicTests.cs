using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>Opening the host by hand, and closing it again, on the real kernel; needs root.</summary>
public sealed class PanicTests : AgentProcessTests
{
    [Fact]
    public async Task Panic_opens_the_host_is_reported_and_lasts_until_resume()
    {
        var quarantine = Closed(2);
        quarantine.Quarantined = true;
        Controller.Push(quarantine);
        var agent = Start();
        await AppliedAsync(2);
        Assert.False(await ReachableAsync());

        Assert.Equal(0, await PanicAsync());
        Assert.Empty(Table());
        Assert.True(await ReachableAsync());
        await Eventually.Holds(() => Controller.States.Last() is { Applied: null, Inbound: Mode.Visibility } report && report.Problems.Any(IsPanic), "panic is reported");
        Assert.Contains("\"panic\": true", Status().Output, StringComparison.Ordinal);
        Assert.Equal(4, Status().ExitCode);

        Controller.Push(Closed(3));
        await KeptAsync(3);
        Assert.Empty(Table());

        agent.Kill();
        await agent.WaitForExitAsync();
        Controller.States.Clear();
        Start();
        await Eventually.Holds(() => Controller.States.Any(report => report.Problems.Any(IsPanic)), "it is reported after a restart");
        Assert.Empty(Table());
        Assert.True(await ReachableAsync());

        Assert.Equal(0, await RunAsync("resume", "--state", State));
        await Eventually.Holds(() => Controller.States.Last() is { Applied.Number: 3, Problems.Count: 0 }, "the newest policy is enforced");
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task Panic_works_while_the_agent_does_not()
    {
        Controller.Push(Closed(2));
        var agent = Start();
        await AppliedAsync(2);
        agent.Kill();
        await agent.WaitForExitAsync();
        Assert.False(await ReachableAsync());

        Assert.Equal(0, await PanicAsync());
        Assert.True(await ReachableAsync());

        Assert.Equal(0, await RunAsync("resume", "--state", State));
        Start();
        await Eventually.Holds(() => Table().Length > 0, "the cached policy is in force");
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task A_policy_that_is_being_applied_while_the_host_is_opened_does_not_stay()
    {
        Controller.Push(Closed(2));
        Start();
        await AppliedAsync(2);
        for (var number = 3UL; number < 6; number++)
        {
            Controller.Push(Closed(number).Allowing(1, Direction.Inbound, "s0", 81, "10.99.0.0/16", $"10.98.0.{number}"));
            Assert.Equal(0, await PanicAsync());
            await KeptAsync(number);
            await Eventually.Holds(() => Table().Length == 0, "the table is gone");
            Assert.Equal(0, await RunAsync("resume", "--state", State));
            await AppliedAsync(number);
        }
    }

    [Fact]
    public async Task A_table_that_cannot_be_removed_is_told_of_and_removed_as_soon_as_it_can_be()
    {
        await ReplaceNftAsync($"if [ $(wc -l < $script) -le 2 ] && ! [ -e {Folder["mended"]} ]; then echo refused >&2; exit 1; fi");
        Controller.Push(Closed(2));
        Start();
        await AppliedAsync(2);

        Assert.Equal(1, await PanicAsync());

        await Eventually.Holds(() => Controller.States.Last().Problems.Any(problem => problem.Code == "open-failed" && problem.Message.Contains("refused", StringComparison.Ordinal)), "it is told of");
        Assert.False(await ReachableAsync());
        await File.WriteAllTextAsync(Folder["mended"], "");
        await Eventually.Holds(() => Controller.States.Last() is { Applied: null } report && report.Problems.All(IsPanic), "the host is open");
        Assert.True(await ReachableAsync());
    }

    private static bool IsPanic(Failure problem) => problem.Code == "panic" && problem.Message.Contains("the change of tonight", StringComparison.Ordinal);

    private Task<int> PanicAsync() => RunAsync("panic", "--state", State, "--reason", "the change of tonight");

    private Task KeptAsync(ulong number) =>
        Eventually.Holds(() => new Agent.Policies.PolicyCache(Agent.State.StateDirectory.At(State)).Load() is Agent.Policies.CachedPolicy.Whole whole && whole.Policy.Policy.Generation.Number == number, $"policy {number} is kept");
}
