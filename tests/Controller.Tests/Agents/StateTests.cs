using Bulkhead.Contracts.Agent;
using Bulkhead.Contracts.Rest;
using Google.Protobuf;

namespace Bulkhead.Controller.Tests.Agents;

public sealed class StateTests
{
    private static readonly TimeSpan s_return = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Addresses_follow_the_report_within_the_keys_networks()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var agent = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1");
        await agent.SendAsync(agent.Report("10.0.0.2", "fd00::2", "203.0.113.1", "::1", "fe80::2"));
        var workload = (await admin.GetAsync<WorkloadDetail>("workloads/web")).Workload;
        Assert.Equal(["10.0.0.2", "fd00::2"], workload.Addresses);
        Assert.Contains(workload.Problems, p => p.Code == "address-not-admitted" && p.Message.Contains("203.0.113.1", StringComparison.Ordinal));
        await agent.SendAsync(agent.Report("10.0.0.2"));
        workload = (await admin.GetAsync<WorkloadDetail>("workloads/web")).Workload;
        Assert.Equal(["10.0.0.2"], workload.Addresses);
        Assert.Empty(workload.Problems);
    }

    [Fact]
    public async Task How_full_connection_tracking_is_is_told_as_reported()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var agent = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1");
        var report = agent.Report("10.0.0.1");
        await agent.SendAsync(report);
        Assert.Null((await admin.GetAsync<WorkloadDetail>("workloads/web")).Tracking);
        report.Tracking = new() { Connections = 900, Limit = 1000, Peak = 950 };
        report.Problems.Add(new Failure { Code = "conntrack-nearly-full", Message = "full", Remedy = "raise it" });
        await agent.SendAsync(report);
        var told = await admin.GetAsync<WorkloadDetail>("workloads/web");
        Assert.Equal(new(900, 1000, 950), told.Tracking);
        Assert.Contains(told.Workload.Problems, problem => problem.Code == "conntrack-nearly-full");
    }

    [Fact]
    public async Task A_live_holder_keeps_its_address_and_both_are_flagged_an_absent_one_gives_it_up_after_a_while()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var admin = await controller.ClientAsync();
        using var holder = await PolicyStreamTests.PairAsync(controller, admin, "holder", "10.0.0.1");
        using var claimant = await PolicyStreamTests.PairAsync(controller, admin, "claimant", "10.0.0.2");
        var stream = await holder.OpenAsync();
        await stream.NextAsync();
        using var claiming = await claimant.OpenAsync();
        await claiming.NextAsync();
        clock.Advance(s_return);
        await RefusedAsync();
        foreach (var name in new[] { "holder", "claimant" })
        {
            Assert.Contains((await admin.GetAsync<WorkloadDetail>($"workloads/{name}")).Workload.Problems, p => p.Code == "address-conflict");
        }

        stream.Dispose();
        await Eventually.HasAsync(async () => (await admin.GetAsync<StatusView>("status")).Connected == 1 ? "away" : null, "the holder is away");
        await RefusedAsync();
        clock.Advance(s_return);
        await claimant.SendAsync(claimant.Report("10.0.0.1", "10.0.0.2"));
        Assert.Empty(await AddressesAsync(admin, "holder"));
        Assert.Equal(["10.0.0.1", "10.0.0.2"], await AddressesAsync(admin, "claimant"));
        Assert.Empty((await admin.GetAsync<WorkloadDetail>("workloads/claimant")).Workload.Problems);

        async Task RefusedAsync()
        {
            await claimant.SendAsync(claimant.Report("10.0.0.1", "10.0.0.2"));
            Assert.Equal(["10.0.0.1"], await AddressesAsync(admin, "holder"));
            Assert.Equal(["10.0.0.2"], await AddressesAsync(admin, "claimant"));
        }
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public async Task An_absent_holder_gives_its_address_only_to_one_that_is_admitted_and_connected(bool admitted, bool connected)
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var admin = await controller.ClientAsync();
        using var holder = await PolicyStreamTests.PairAsync(controller, admin, "holder", "10.0.0.1");
        clock.Advance(s_return);
        var key = await TestController.PairingKeyAsync(admin, autoAdmit: admitted);
        using var claimant = await TestAgent.PairAsync(controller, key.Secret, "claimant", "10.0.0.1", "10.0.0.2");
        Assert.Equal(["10.0.0.1"], await AddressesAsync(admin, "holder"));
        using var stream = connected ? await claimant.OpenAsync() : null;
        await claimant.SendAsync(claimant.Report("10.0.0.1", "10.0.0.2"));
        Assert.Equal(["10.0.0.1"], await AddressesAsync(admin, "holder"));
        Assert.Equal(["10.0.0.2"], await AddressesAsync(admin, "claimant"));
        Assert.Contains((await admin.GetAsync<WorkloadDetail>("workloads/claimant")).Workload.Problems, p => p.Code == "address-conflict");
    }

    [Fact]
    public async Task After_a_start_of_the_controller_holders_have_time_to_come_back()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var admin = await controller.ClientAsync();
        using var holder = await PolicyStreamTests.PairAsync(controller, admin, "holder", "10.0.0.1");
        using var claimant = await PolicyStreamTests.PairAsync(controller, admin, "claimant", "10.0.0.2");
        clock.Advance(s_return);
        await controller.RestartAsync();
        using var again = await controller.ClientAsync();
        using var back = claimant.CopyAt(controller, "127.0.0.1");
        using var stream = await back.OpenAsync();
        await stream.NextAsync();
        clock.Advance(s_return - TimeSpan.FromSeconds(1));
        await back.SendAsync(back.Report("10.0.0.1", "10.0.0.2"));
        Assert.Equal(["10.0.0.1"], await AddressesAsync(again, "holder"));
        clock.Advance(TimeSpan.FromSeconds(1));
        await back.SendAsync(back.Report("10.0.0.1", "10.0.0.2"));
        Assert.Equal(["10.0.0.1", "10.0.0.2"], await AddressesAsync(again, "claimant"));
    }

    [Fact]
    public async Task An_operators_declared_address_is_not_an_agents_to_claim()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        await admin.PostAsync<WorkloadView>("workloads", new CreateWorkload("vip", new Dictionary<string, string>(), ["10.0.0.100"]));
        using var agent = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1");
        await agent.SendAsync(agent.Report("10.0.0.1", "10.0.0.100"));
        Assert.Equal(["10.0.0.100"], (await admin.GetAsync<WorkloadDetail>("workloads/vip")).Workload.Addresses);
        Assert.Contains((await admin.GetAsync<WorkloadDetail>("workloads/web")).Workload.Problems, p => p.Code == "address-conflict");
    }

    [Fact]
    public async Task A_silent_agents_addresses_are_released_at_the_absence_limit_and_not_before()
    {
        var clock = new FakeClock();
        await using var controller = await TestController.StartAsync(clock);
        using var admin = await controller.ClientAsync();
        using var agent = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1");
        var absence = new Controller.Agents.AbsenceLimit(
            controller.Get<Controller.Agents.AgentDirectory>(), controller.Live, controller.Ledger, clock, Microsoft.Extensions.Logging.Abstractions.NullLogger<Controller.Agents.AbsenceLimit>.Instance);
        await absence.EnforceAsync(CancellationToken.None);
        clock.Advance(Controller.Agents.AbsenceLimit.Limit - TimeSpan.FromSeconds(1));
        await absence.EnforceAsync(CancellationToken.None);
        Assert.Single(controller.Live.Current.Holders);
        clock.Advance(TimeSpan.FromSeconds(1));
        await absence.EnforceAsync(CancellationToken.None);
        Assert.Empty(controller.Live.Current.Holders);
    }

    [Fact]
    public async Task What_an_agent_reports_is_shown_and_outlives_a_restart()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var agent = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2");
        var report = agent.Report("10.0.0.2");
        report.Processes.Add(new ProcessInfo { Path = "/usr/sbin/mariadbd", Name = "mariadbd", Unit = "mariadb.service", User = "mysql" });
        report.Listeners.Add(new Listener { Protocol = 6, Port = 3306, Address = ByteString.CopyFrom(10, 0, 0, 2), Process = 1 });
        await agent.SendAsync(report);
        await controller.RestartAsync();
        using var again = await controller.ClientAsync();
        var detail = await again.GetAsync<WorkloadDetail>("workloads/db");
        var listener = Assert.Single(detail.Listeners);
        Assert.Equal(("tcp/3306", "10.0.0.2", "mariadb.service"), (listener.Port, listener.Address, listener.Process!.Unit));
        Assert.Equal("test", detail.AgentVersion);
        Assert.NotNull(detail.Workload.LastSeen);
    }

    [Fact]
    public async Task An_agent_ahead_of_the_controller_shows_that_its_database_was_restored()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var agent = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1");
        var report = agent.Report("10.0.0.1");
        report.Applied = new() { Epoch = 1, Number = 1000 };
        await agent.SendAsync(report);
        Assert.Contains((await admin.GetAsync<WorkloadDetail>("workloads/web")).Workload.Problems, p => p.Code == "generation-ahead" && p.Message.Contains("new-epoch", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("truncated")]
    [InlineData("address of five bytes")]
    [InlineData("listener of no process")]
    public async Task A_malformed_report_is_refused_and_changes_nothing(string what)
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var agent = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1");
        var report = agent.Report("10.0.0.9");
        switch (what)
        {
            case "address of five bytes":
                report.Interfaces[0].Addresses[0].Address = ByteString.CopyFrom(1, 2, 3, 4, 5);
                break;
            case "listener of no process":
                report.Listeners.Add(new Listener { Protocol = 6, Port = 1, Process = 7 });
                break;
        }

        var body = report.ToByteArray();
        using var response = await agent.PostRawAsync("state", what == "truncated" ? body[..^5] : body);
        Assert.Equal("malformed-message", Failure.Parser.ParseFrom(await response.Content.ReadAsByteArrayAsync()).Code);
        Assert.Equal(["10.0.0.1"], (await admin.GetAsync<WorkloadDetail>("workloads/web")).Workload.Addresses);
    }

    [Fact]
    public async Task An_oversized_report_is_refused_as_such()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var agent = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1");
        using var response = await agent.PostRawAsync("state", new byte[(4 * 1024 * 1024) + 1]);
        Assert.Equal((413, "too-large"), ((int)response.StatusCode, Failure.Parser.ParseFrom(await response.Content.ReadAsByteArrayAsync()).Code));
    }

    private static async Task<IReadOnlyList<string>> AddressesAsync(ApiClient client, string name) =>
        (await client.GetAsync<WorkloadDetail>($"workloads/{name}")).Workload.Addresses;
}
