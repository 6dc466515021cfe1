using Bulkhead.Agent.State;
using Bulkhead.Agent.Tests.Channel;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>A controller that the agent knows by name only, so that its address is not pinned by itself, and policies that cut it off; needs root.</summary>
public sealed class DeadMansSwitchTests : AgentProcessTests
{
    private const uint AgentPort = 8444;

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        await File.WriteAllTextAsync(Folder["hosts"], $"{TwoHosts.PeerAddress(false)} {TestController.Name}\n");
        Prefix = ["unshare", "--mount", "sh", "-c", "mount --bind \"$1\" /etc/hosts && shift && exec \"$@\"", "sh", Folder["hosts"]];
        var identity = Controller.MakeIdentity() with { Controller = new Uri($"https://{TestController.Name}:{AgentPort}") };
        identity.Save(StateDirectory.Create(State));
    }

    [Fact]
    public async Task Rules_that_cut_the_controller_off_are_rolled_back_and_reported()
    {
        await ProvenAsync(WirePolicies.Policy(2, inbound: Mode.Full));

        Controller.Push(Shut(3));

        await ReportedAsync(2, "policy-rolled-back");
        Assert.False(await ReachableAsync());
        Assert.Contains("10.78.0.2:8444", Controller.States.Last().Problems.Single(problem => problem.Code == "policy-rolled-back").Message, StringComparison.Ordinal);

        Controller.Push(Shut(4).Allowing(1, Direction.Outbound, "controller", AgentPort, $"{TwoHosts.PeerAddress(false)}"));
        await Eventually.Holds(() => Controller.States.Last() is { Applied.Number: 4, Problems.Count: 0 }, "rules that let the controller be reached are taken again");
    }

    [Fact]
    public async Task A_wrongly_pinned_controller_is_rolled_back_too_and_again_after_a_restart()
    {
        await ProvenAsync(WirePolicies.Policy(2));
        var wrong = Shut(3);
        wrong.Controllers.Add(new ControllerEndpoint { Address = WirePolicies.ToWire(WirePolicies.Parse("10.78.0.99")).Address, Port = AgentPort });
        Controller.Push(wrong);
        await ReportedAsync(2, "policy-rolled-back");

        foreach (var agent in Started)
        {
            agent.Kill();
            await agent.WaitForExitAsync();
        }

        Controller.States.Clear();
        Start();
        await ReportedAsync(2, "policy-rolled-back");
    }

    [Fact]
    public async Task Todays_addresses_and_quarantine_hold_after_a_roll_back()
    {
        await ProvenAsync(WirePolicies.Policy(2, inbound: Mode.Full).Allowing(1, Direction.Inbound, "s0", 80, $"{TwoHosts.PeerAddress(false)}"));
        Assert.True(await ReachableAsync());

        Controller.Push(Shut(3).Allowing(2, Direction.Inbound, "s0", 80, "10.78.0.77"));
        await ReportedAsync(2, "policy-rolled-back");
        Assert.False(await ReachableAsync());

        Controller.Push(Shut(4).Allowing(2, Direction.Inbound, "s0", 80, $"{TwoHosts.PeerAddress(false)}"));
        await Eventually.Holds(() => ReachableAsync().GetAwaiter().GetResult(), "the member of today is let in by the rule of before");
        await ReportedAsync(2, "policy-rolled-back");
    }

    [Fact]
    public async Task Changes_of_members_take_effect_under_the_rules_of_before_and_do_not_end_the_roll_back()
    {
        await ProvenAsync(WirePolicies.Policy(2, inbound: Mode.Full).Allowing(1, Direction.Inbound, "s0", 80, "10.78.0.77"));
        Controller.Push(Shut(3).Allowing(2, Direction.Inbound, "s0", 81, "10.78.0.77"));
        await ReportedAsync(2, "policy-rolled-back");
        await ConnectedAsync();
        var peer = $"{TwoHosts.PeerAddress(false)}";

        Controller.SendOnce(new ServerMessage { Delta = Change(3, 4, [peer], [], "10.78.0.77", peer) });

        await Eventually.Holds(() => ReachableAsync(), "who joined is let in by the rule of before");
        await ReportedAsync(2, "policy-rolled-back");
        Controller.SendOnce(new ServerMessage { Delta = Change(4, 5, [], ["10.78.0.77"], peer) });
        await Eventually.Holds(() => !Table().Contains("10.78.0.77", StringComparison.Ordinal), "who left is shut out");

        // What was kept is policy 5, which cuts the controller off again when the host starts.
        Controller.SetFirst(Shut(5).Allowing(2, Direction.Inbound, "s0", 81, peer));
        Started[0].Kill();
        await Started[0].WaitForExitAsync();
        Controller.States.Clear();
        Start();
        await ReportedAsync(2, "policy-rolled-back");
        Assert.True(await ReachableAsync());
        Assert.DoesNotContain("10.78.0.77", Table(), StringComparison.Ordinal);

        // Other rules end it.
        Controller.Push(WirePolicies.Policy(6, inbound: Mode.Full));
        await Eventually.Holds(() => Controller.States.Last() is { Applied.Number: 6, Problems.Count: 0 }, "the next policy is in force");
    }

    [Fact]
    public async Task Silence_of_the_controller_rolls_nothing_back()
    {
        await ProvenAsync(WirePolicies.Policy(2));
        Controller.Push(Closed(3));
        await AppliedAsync(3);
        await Controller.DisposeAsync();
        await LoggedAsync("no connection to the controller");
        await Eventually.Holds(() => Status().ExitCode != 0, "the agent is offline");
        Assert.False(await ReachableAsync());
        Assert.DoesNotContain(Log, line => line.Contains("cut this host off", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_override_deny_of_the_controller_stays()
    {
        await ProvenAsync(WirePolicies.Policy(2));
        var policy = Shut(3).Allowing(9, Direction.Outbound, "controller", AgentPort, $"{TwoHosts.PeerAddress(false)}");
        policy.Entries[0].Action = Contracts.Agent.Action.OverrideDeny;
        Controller.Push(policy);
        await LoggedAsync("Neither quarantine nor an override-deny is ever rolled back");
        Assert.Contains("out:override-deny:9", Table(), StringComparison.Ordinal);
        // What says so has a limit of its own, so that others' blocked packets do not hide it.
        Assert.Contains("out_block_rule_9_agent", Table(), StringComparison.Ordinal);
    }

    private Task ConnectedAsync() => Eventually.Holds(() => Status().Output.Contains("\"connected\": true", StringComparison.Ordinal), "the controller is reached");

    private static PolicyDelta Change(ulong from, ulong to, string[] joins, string[] leaves, params string[] then) => new()
    {
        From = new() { Epoch = 1, Number = from },
        To = new() { Epoch = 1, Number = to },
        PeerSets =
        {
            new PeerSetChange
            {
                Name = "s0",
                Digest = Bulkhead.Policy.Compile.PeerSetDigest.Of(then.Select(WirePolicies.Parse)),
                Added = { joins.Select(member => WirePolicies.ToWire(WirePolicies.Parse(member))) },
                Removed = { leaves.Select(member => WirePolicies.ToWire(WirePolicies.Parse(member))) },
            },
        },
    };

    private static HostPolicy Shut(ulong number) => WirePolicies.Policy(number, inbound: Mode.Full, outbound: Mode.Full);

    private async Task ProvenAsync(HostPolicy policy)
    {
        Controller.Push(policy);
        Start();
        await LoggedAsync($"the controller was reached under policy 1.{policy.Generation.Number}");
    }

    private Task ReportedAsync(ulong applied, string problem) =>
        Eventually.Holds(
            () => Controller.States.LastOrDefault() is { } report && report.Applied?.Number == applied && report.Problems.Any(p => p.Code == problem),
            $"{problem} is reported under policy {applied}");
}
