using System.Diagnostics;
using System.Text.Json;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>The program itself, as a process of its own in a namespace, with a controller at the other end of the cable; needs root.</summary>
public sealed class AgentTests : AgentProcessTests
{
    [Fact]
    public async Task A_policy_is_enforced_reported_and_outlives_the_agent()
    {
        Controller.Push(Closed(2));
        var agent = Start();
        await AppliedAsync(2);
        Assert.False(await ReachableAsync());
        var report = Controller.States.Last();
        Assert.Equal(("web-1", Mode.Full), (report.Identity.HostName, report.Inbound));
        Assert.Contains(report.Listeners, listener => listener.Port == 80);

        agent.Kill();
        await agent.WaitForExitAsync();
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task An_agent_that_starts_without_itsController_enforces_what_it_last_had()
    {
        Controller.Push(Closed(2));
        var first = Start();
        await AppliedAsync(2);
        first.Kill();
        await first.WaitForExitAsync();
        await Controller.DisposeAsync();
        Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        Assert.True(await ReachableAsync());

        Start();

        await Eventually.Holds(() => Table().Length > 0, "the table is back");
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task A_host_whose_policy_was_lost_shuts_what_was_enforced_until_it_comes_again()
    {
        Controller.Push(Closed(2));
        var first = Start();
        await AppliedAsync(2);
        first.Kill();
        await first.WaitForExitAsync();
        File.Delete(Path.Combine(State, "policy"));
        File.WriteAllText(Path.Combine(State, "policy.copy"), "garbage");
        Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        Controller.Push(WirePolicies.Policy(3));

        Start();

        await AppliedAsync(3);
        Assert.True(await ReachableAsync());
        Assert.Contains(Controller.States, report => report.Applied?.Number == 3 && report.Problems.Count == 0);
    }

    [Fact]
    public async Task A_host_whose_policy_was_lost_still_lets_the_fail_safe_list_in_and_nothing_else()
    {
        var closed = Closed(2);
        closed.FailSafe.Add(new FailSafeEntry
        {
            Sources = { WirePolicies.ToWire(WirePolicies.Parse($"{TwoHosts.PeerAddress(false)}")) },
            Ports = { new PortMatch { Protocol = 6, First = 22, Last = 22 } },
        });
        var ssh = Hosts.Listen(Hosts.Host, TwoHosts.HostAddress(false), 22);
        Controller.Push(closed);
        var first = Start();
        await AppliedAsync(2);
        first.Kill();
        await first.WaitForExitAsync();
        await Controller.DisposeAsync();
        File.Delete(Path.Combine(State, "policy"));
        File.Delete(Path.Combine(State, "policy.copy"));
        Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");

        Start();

        await Eventually.Holds(() => Table().Length > 0, "the table is back");
        Assert.True(await ReachableAsync(ssh));
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task An_agent_that_never_had_a_policy_writes_nothing_to_the_kernel()
    {
        Start();
        await Eventually.Holds(() => !Controller.States.IsEmpty, "the agent reports");
        Assert.Null(Controller.States.Last().Applied);
        Assert.Empty(Table());
    }

    public static TheoryData<string, System.Action<HostPolicy>> Refusals => new()
    {
        { "feature-missing", policy => policy.RequiredFeatures.Add("time-travel-1") },
        { "generation-older", policy => policy.Generation.Number = 1 },
        { "bad-mode", policy => policy.Inbound = Mode.Unspecified },
        { "unknown-field", policy => policy.MergeFrom(new byte[] { 0x98, 0x06, 0x01 }) },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_policy_that_is_not_understood_is_refused_and_the_last_one_stays(string code, System.Action<HostPolicy> spoil)
    {
        Controller.Push(Closed(2));
        Start();
        await AppliedAsync(2);

        var bad = WirePolicies.Policy(3);
        spoil(bad);
        Controller.Push(bad);

        await Eventually.Holds(() => Controller.States.Last().Problems.Any(problem => problem.Code == code), $"{code} is reported");
        Assert.Equal(2UL, Controller.States.Last().Applied.Number);
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task Garbage_on_the_policy_stream_changes_nothing_and_is_told_of_until_the_stream_is_good_again()
    {
        Controller.Push(Closed(2));
        Start();
        await AppliedAsync(2);

        Controller.SendRaw([200, 1, 2, 3]);
        Controller.EndStreams();

        await Eventually.Holds(() => Controller.States.Last().Problems.Any(problem => problem.Code == "malformed-answer"), "it is told of");
        Assert.Equal((2UL, Mode.Full), (Controller.States.Last().Applied.Number, Controller.States.Last().Inbound));
        Assert.False(await ReachableAsync());
        Controller.Push(Closed(3));
        await Eventually.Holds(() => Controller.States.Last() is { Applied.Number: 3, Problems.Count: 0 }, "the next policy is taken");
    }

    [Fact]
    public async Task A_change_of_members_is_enforced_kept_and_one_that_does_not_fit_is_made_up_for_by_a_whole_policy()
    {
        var peer = TwoHosts.PeerAddress(false).ToString();
        Controller.Push(Closed(2).Allowing(1, Direction.Inbound, "s0", 80, "10.9.9.9"));
        var first = Start();
        await AppliedAsync(2);
        Assert.False(await ReachableAsync());

        Controller.Send(new ServerMessage { Delta = Joins(2, 3, peer, "10.9.9.9") });
        await AppliedAsync(3);
        Assert.True(await ReachableAsync());

        first.Kill();
        await first.WaitForExitAsync();
        Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        Controller.Push(Closed(3).Allowing(1, Direction.Inbound, "s0", 80, "10.9.9.9", peer));
        Start();
        await Eventually.Holds(() => Table().Contains(peer, StringComparison.Ordinal), "what was kept is enforced again");

        // What the next stream begins with is what was sent last.
        Controller.Push(Closed(7).Allowing(1, Direction.Inbound, "s0", 80, "10.9.9.9"));
        await AppliedAsync(7);
        Controller.SendOnce(new ServerMessage { Delta = Joins(8, 9, peer, "10.9.9.9") });
        Controller.SetFirst(Closed(9).Allowing(1, Direction.Inbound, "s0", 80, "10.9.9.9", peer));
        await AppliedAsync(9);
        Assert.True(await ReachableAsync());
    }

    private static PolicyDelta Joins(ulong from, ulong to, string joins, params string[] others) => new()
    {
        From = new() { Epoch = 1, Number = from },
        To = new() { Epoch = 1, Number = to },
        PeerSets =
        {
            new PeerSetChange
            {
                Name = "s0",
                Digest = Bulkhead.Policy.Compile.PeerSetDigest.Of(others.Append(joins).Select(WirePolicies.Parse)),
                Added = { WirePolicies.ToWire(WirePolicies.Parse(joins)) },
            },
        },
    };

    [Fact]
    public async Task A_new_epoch_needs_the_CA()
    {
        Controller.Push(Closed(2));
        Start();
        await AppliedAsync(2);

        var forged = WirePolicies.Policy(1, epoch: 9);
        forged.EpochProof = Controller.Prove(1);
        Controller.Send(new ServerMessage { Policy = forged });
        await Eventually.Holds(() => Controller.States.Last().Problems.Any(problem => problem.Code == "epoch-unproven"), "the refusal is reported");

        Controller.Push(WirePolicies.Policy(1, epoch: 9));
        await Eventually.Holds(() => Controller.States.Last().Applied?.Epoch == 9, "the proven epoch is applied");
    }

    [Fact]
    public async Task Somebody_else_who_takes_the_table_away_is_told_of_and_it_comes_back()
    {
        Controller.Push(Closed(2));
        Start();
        await AppliedAsync(2);
        Hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
        await Eventually.Holds(() => Controller.States.Last().Tampered > 0, "tampering is reported");
        await Eventually.Holds(() => Table().Length > 0, "the table is back");
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task A_connection_that_is_older_than_the_agent_outlives_a_loss_of_conntracks_entries()
    {
        var older = await Hosts.DialAsync(Hosts.Peer, Web);
        Controller.Push(Closed(2).Allowing(1, Direction.Inbound, "s0", 80, $"{TwoHosts.PeerAddress(false)}"));
        Start();
        await AppliedAsync(2);
        Hosts.Host.Run("conntrack", "-F");
        await older.SendAsync(new byte[1]);
        await Eventually.Holds(() => Hosts.Host.Run("conntrack", "-L").Contains("dport=80 ", StringComparison.Ordinal), "it is admitted again");
    }

    [Fact]
    public async Task Stopping_is_announced_and_leaves_the_rules()
    {
        Controller.Push(Closed(2));
        var agent = Start();
        await AppliedAsync(2);
        Process.Start("kill", ["-TERM", $"{agent.Id}"]).Dispose();
        await agent.WaitForExitAsync();
        Assert.Equal(0, agent.ExitCode);
        Assert.True(Controller.States.Last().ShuttingDown);
        Assert.False(await ReachableAsync());
    }

    [Fact]
    public async Task Status_tells_by_text_and_exit_code_how_it_is()
    {
        Controller.Push(Closed(2));
        var agent = Start();
        await AppliedAsync(2);
        await Eventually.Holds(() => Status().ExitCode == 0, "status is good");
        var status = JsonDocument.Parse(Status().Output).RootElement;
        Assert.Equal(("1.2", "full", true), (status.GetProperty("generation").GetString(), status.GetProperty("inbound").GetString(), status.GetProperty("connected").GetBoolean()));

        await Controller.DisposeAsync();
        await Eventually.Holds(() => Status().ExitCode == 3, "status is offline");
        agent.Kill();
        await agent.WaitForExitAsync();
        Assert.Equal(4, Status().ExitCode);
    }

    [Fact]
    public async Task Unpairing_takes_the_table_and_everything_secret_away()
    {
        Controller.Push(Closed(2));
        var agent = Start();
        await AppliedAsync(2);
        Assert.Equal(1, await RunAsync("unpair", "--state", State));
        agent.Kill();
        await agent.WaitForExitAsync();

        Assert.Equal(0, await RunAsync("unpair", "--state", State));

        Assert.Empty(Table());
        Assert.True(await ReachableAsync());
        Assert.Equal(["lock"], Directory.GetFileSystemEntries(State).Select(Path.GetFileName));
        Assert.Equal(5, Status().ExitCode);
    }
}
