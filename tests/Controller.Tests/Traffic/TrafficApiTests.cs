using System.Net;
using Bulkhead.Contracts.Agent;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Documents;
using Google.Protobuf;

namespace Bulkhead.Controller.Tests.Traffic;

/// <summary>Traffic from the agent channel to REST, through a real controller.</summary>
public sealed class TrafficApiTests
{
    [Fact]
    public async Task What_agents_send_is_listed_mapped_explained_and_weighed_against_the_draft()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PairAsync(controller, admin, "web", "10.0.0.1");
        using var db = await PairAsync(controller, admin, "db", "10.0.0.2");

        await SendAsync(web, Batch(1, Flow(Contracts.Agent.Direction.Outbound, "10.0.0.1", "10.0.0.2", process: 1), "nginx"));
        await SendAsync(db, Batch(1, Flow(Contracts.Agent.Direction.Inbound, "10.0.0.2", "10.0.0.1", process: 1), "mariadbd"));

        var flow = Assert.Single((await admin.GetAsync<Page<FlowEdge>>("flows?from=role%3Dweb&to=role%3Ddb&port=tcp/3306&process=maria&verdict=potentiallyBlocked&since=1h")).Items);
        Assert.Equal(("web", "db", "tcp/3306", 1L), (flow.Source.Name, flow.Destination.Name, flow.Port, flow.Connections));
        Assert.Equal("nginx", Assert.Single(flow.Source.Processes).Name);
        Assert.Equal("mariadbd", Assert.Single(flow.Destination.Processes).Name);
        Assert.Empty((await admin.GetAsync<Page<FlowEdge>>("flows?from=role%3Ddb")).Items);

        var map = await admin.GetAsync<MapView>("map?group=role&view=enforced");
        var link = Assert.Single(map.Links);
        Assert.Equal(("role=web", "role=db", 1), (link.Source, link.Destination, link.Verdicts.PotentiallyBlocked));
        Assert.All(map.Groups, group => Assert.Equal(1, group.Stale));
        Assert.Equal(0, map.Gaps.Agents);
        await SendAsync(db, new FlowBatch(Batch(2, Flow(Contracts.Agent.Direction.Inbound, "10.0.0.2", "10.0.0.1", process: 1), "mariadbd")) { LostEvents = 1, IncompleteConnections = 2, UnnamedConnections = 3 });
        var gaps = (await admin.GetAsync<MapView>("map?group=role")).Gaps;
        Assert.Equal(((await admin.GetAsync<WorkloadDetail>("workloads/db")).Workload.Id, "db", 1L, 2L, 3L), gaps.Workloads.Select(seen => (seen.WorkloadId, seen.Name, seen.Lost, seen.Incomplete, seen.Unnamed)).Single());

        await admin.PutAsync<DraftStatus>("policy/draft", new PolicyDocument { Modes = [new() { Selector = "role=db", Inbound = "full" }] });
        Assert.Equal(VerdictKind.Blocked, (await admin.GetAsync<Explanation>("explain?from=web&to=10.0.0.2&port=tcp/3306&view=draft")).Verdict.Kind);
        Assert.Equal(VerdictKind.PotentiallyBlocked, (await admin.GetAsync<Explanation>("explain?from=web&to=db&port=tcp/3306")).Verdict.Kind);
        var impact = await admin.GetAsync<DraftImpact>("policy/draft/impact?since=1h");
        Assert.Equal("no rule of db allows tcp/3306 inbound; its inbound mode is full", Assert.Single(impact.NewlyBlocked).Draft.Because);
        Assert.Equal(["db"], impact.HostsChanged);
        Assert.Equal(1, (await admin.GetAsync<StatusView>("status")).Edges);
    }

    [Fact]
    public async Task A_rule_tells_what_it_touches_and_what_it_decided_and_explain_takes_processes()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PairAsync(controller, admin, "web", "10.0.0.1");
        using var db = await PairAsync(controller, admin, "db", "10.0.0.2");
        await SendAsync(web, Batch(1, Flow(Contracts.Agent.Direction.Outbound, "10.0.0.1", "10.0.0.2", process: 1), "nginx"));
        var draft = await admin.PutAsync<DraftStatus>("policy/draft", new PolicyDocument
        {
            Rulesets =
            [
                new()
                {
                    Name = "shop",
                    Scopes = [new() { Selector = "all" }],
                    Rules =
                    [
                        new() { From = "role=web", To = "role=db", Services = ["tcp/3306"] },
                        new() { From = "role=web", To = "role=db", Services = ["tcp/22"], FromProcess = new() { Path = "/usr/bin/ssh" }, Consumer = "best-effort" },
                    ],
                },
            ],
        });
        await admin.PostAsync<RevisionView>("policy/provision", new Provision("rules", draft.DraftVersion, ["left-out"]));

        var plain = await admin.GetAsync<RuleDetail>("policy/rules/1?since=1h");
        Assert.Equal(("shop", "web", "db", 1), (plain.Ruleset, Assert.Single(plain.Consumers!).Name, Assert.Single(plain.Providers!).Name, plain.FlowCount));
        Assert.Equal((true, true, "web"), (plain.Flows[0].AtConsumer, plain.Flows[0].AtProvider, plain.Flows[0].Flow.Source.Name));
        Assert.Equal(["db", "web"], plain.Hosts.Select(host => host.Name));
        var conditional = await admin.GetAsync<RuleDetail>("policy/rules/2");
        Assert.Equal((0, "web", "db"), (conditional.FlowCount, Assert.Single(conditional.Without).Workload.Name, Assert.Single(conditional.Hosts).Name));
        await admin.RefusedAsync(HttpMethod.Get, "policy/rules/3", null, 404, "not-found");
        await admin.RefusedAsync(HttpMethod.Get, "policy/rules/x", null, 404, "not-found");

        var explained = await admin.GetAsync<Explanation>("explain?from=web&to=db&port=tcp/22&process=/usr/bin/ssh&view=enforced");
        Assert.Equal(("10.0.0.1", "10.0.0.2"), (explained.FromAddress, explained.ToAddress));
        Assert.Empty(explained.Others);
    }

    [Fact]
    public async Task Explain_tells_of_both_families_and_of_the_process_that_is_asked_about()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var key = await TestController.PairingKeyAsync(admin, labels: ("role", "db"));
        using var db = await TestAgent.PairAsync(controller, key.Secret, "db", "10.0.0.2", "fd00::2");
        await admin.PostAsync<WorkloadView>("workloads", new CreateWorkload("web", new Dictionary<string, string> { ["role"] = "web" }, ["10.0.0.1", "fd00::1"]));
        await admin.PutAsync<DraftStatus>("policy/draft", new PolicyDocument
        {
            Modes = [new() { Selector = "role=db", Inbound = "full" }],
            Networks = [new() { Name = "old", Addresses = ["10.0.0.0/24"] }],
            Rulesets = [new() { Name = "shop", Scopes = [new() { Selector = "all" }], Rules = [new() { From = "network:old", To = "role=db", Services = ["tcp/22"] }] }],
        });

        var explained = await admin.GetAsync<Explanation>("explain?from=web&to=db&port=tcp/22&view=draft");
        Assert.Equal((VerdictKind.Blocked, "fd00::1", "fd00::2"), (explained.Verdict.Kind, explained.FromAddress, explained.ToAddress));
        Assert.NotEmpty(explained.Remedies);
        var other = Assert.Single(explained.Others);
        Assert.Equal((VerdictKind.Allowed, "10.0.0.1", 0), (other.Verdict.Kind, other.FromAddress, other.Remedies.Count));
        Assert.Empty((await admin.GetAsync<Explanation>("explain?from=10.0.0.1&to=db&port=tcp/22&view=draft&servingProcess=/usr/sbin/sshd")).Others);
    }

    [Fact]
    public async Task A_batch_sent_again_after_a_restart_counts_once()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PairAsync(controller, admin, "web", "10.0.0.1");
        var batch = Batch(1, Flow(Contracts.Agent.Direction.Outbound, "10.0.0.1", "10.0.0.2"), "nginx");
        await SendAsync(web, batch);
        await SendAsync(web, batch);

        await controller.RestartAsync();
        using var again = await controller.ClientAsync();
        Assert.Equal(1, Assert.Single((await again.GetAsync<Page<FlowEdge>>("flows")).Items).Connections);
    }

    [Fact]
    public async Task A_truncated_or_absurd_batch_is_refused_and_nothing_is_stored()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PairAsync(controller, admin, "web", "10.0.0.1");
        var batch = Batch(1, Flow(Contracts.Agent.Direction.Outbound, "10.0.0.1", "10.0.0.2"), "nginx");

        await AssertRefusedAsync(web, batch.ToByteArray()[..^3], HttpStatusCode.BadRequest, "malformed-message");
        batch.Flows[0].Protocol = 0;
        await AssertRefusedAsync(web, batch.ToByteArray(), HttpStatusCode.BadRequest, "malformed-message");
        Assert.Empty((await admin.GetAsync<Page<FlowEdge>>("flows")).Items);
    }

    [Fact]
    public async Task Pages_follow_each_other_and_stay_put_while_edges_appear()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PairAsync(controller, admin, "web", "10.0.0.1");
        await SendAsync(web, Batch(1, [.. Enumerable.Range(1, 5).Select(i => Flow(Contracts.Agent.Direction.Outbound, "10.0.0.1", $"10.0.1.{i}"))]));

        var first = await admin.GetAsync<Page<FlowEdge>>("flows?limit=2");
        await SendAsync(web, Batch(2, Flow(Contracts.Agent.Direction.Outbound, "10.0.0.1", "10.0.1.6"), "nginx"));
        var second = await admin.GetAsync<Page<FlowEdge>>($"flows?limit=2&after={first.Next}");
        var third = await admin.GetAsync<Page<FlowEdge>>($"flows?limit=2&after={second.Next}");

        Assert.Equal(
            ["10.0.1.5", "10.0.1.4", "10.0.1.3", "10.0.1.2", "10.0.1.1"],
            first.Items.Concat(second.Items).Concat(third.Items).Select(flow => flow.Destination.Address));
        Assert.Null(third.Next);
        Assert.Equal(6, third.Total);
    }

    [Fact]
    public async Task A_question_that_cannot_be_answered_is_refused_with_its_place()
    {
        (string Path, string Code)[] questions =
        [
            ("flows?from=colour%3Dred", "unknown-label-key"),
            ("flows?port=tcp/99999", "bad-port"),
            ("flows?verdict=maybe", "bad-value"),
            ("flows?limit=0", "bad-limit"),
            ("flows?after=x", "bad-cursor"),
            ("flows?since=yesterday", "bad-time"),
            ("map?since=1h&until=2h", "bad-window"),
            ("map?group=colour", "unknown-label-key"),
            ("map?view=planned", "bad-value"),
            ("policy/draft/impact?until=never", "bad-time"),
            ("explain?from=nobody&to=10.0.0.1&port=tcp/1", "unknown-end"),
            ("explain?from=10.0.0.2&to=10.0.0.1&port=tcp", "bad-port"),
            ("explain?from=10.0.0.2&to=10.0.0.1", "bad-port"),
            ("explain?from=10.0.0.2&to=10.0.0.1&port=tcp/1&process=nginx", "bad-process"),
            ("explain?from=10.0.0.2&to=10.0.0.1&port=tcp/1&unit=a.service&unidentified=true", "bad-process"),
            ("policy/rules/1?since=never", "bad-time"),
        ];
        await using var controller = await TestController.StartAsync();
        using var viewer = await controller.ClientAsync(AccessRole.Viewer);
        foreach (var (path, code) in questions)
        {
            var problem = await viewer.RefusedAsync(HttpMethod.Get, path, null, 422, "invalid");
            Assert.Equal((path, code), (path, Assert.Single(problem.Diagnostics).Code));
        }
    }

    [Fact]
    public async Task Watchers_are_told_of_new_flows()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PairAsync(controller, admin, "web", "10.0.0.1");
        using var watcher = controller.Get<Live.LiveFeed>().TryWatch();
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        await using var news = watcher!.ReadAsync(deadline.Token).GetAsyncEnumerator(deadline.Token);

        await SendAsync(web, Batch(1, Flow(Contracts.Agent.Direction.Outbound, "10.0.0.1", "10.0.0.2"), "nginx"));
        Assert.True(await news.MoveNextAsync());
        Assert.Equal("flows", news.Current.Kind);
    }

    private static async Task<TestAgent> PairAsync(TestController controller, ApiClient admin, string name, string address)
    {
        var key = await TestController.PairingKeyAsync(admin, labels: ("role", name));
        return await TestAgent.PairAsync(controller, key.Secret, name, address);
    }

    private static async Task SendAsync(TestAgent agent, FlowBatch batch)
    {
        using var response = await agent.PostRawAsync("flows", batch.ToByteArray());
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var ack = FlowAck.Parser.ParseFrom(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal((batch.SpoolEpoch, batch.Sequence), (ack.SpoolEpoch, ack.Sequence));
    }

    private static async Task AssertRefusedAsync(TestAgent agent, byte[] body, HttpStatusCode status, string code)
    {
        using var response = await agent.PostRawAsync("flows", body);
        Assert.Equal(status, response.StatusCode);
        Assert.Equal(code, Failure.Parser.ParseFrom(await response.Content.ReadAsByteArrayAsync()).Code);
    }

    private static FlowBatch Batch(ulong sequence, FlowSummary flow, string process)
    {
        var batch = Batch(sequence, [flow]);
        batch.Processes.Add(new ProcessInfo { Path = $"/usr/sbin/{process}", Name = process, User = "svc" });
        return batch;
    }

    private static FlowBatch Batch(ulong sequence, IReadOnlyList<FlowSummary> flows) => new()
    {
        SpoolEpoch = 7,
        Sequence = sequence,
        SentUnixMs = 20_000,
        WindowUnixMs = 10_000,
        WindowMs = 10_000,
        Flows = { flows },
    };

    private static FlowSummary Flow(Contracts.Agent.Direction direction, string local, string remote, uint process = 0) => new()
    {
        Direction = direction,
        LocalAddress = ByteString.CopyFrom(IpAddress.Parse(local).ToBytes()),
        RemoteAddress = ByteString.CopyFrom(IpAddress.Parse(remote).ToBytes()),
        Protocol = 6,
        Port = 3306,
        Process = process,
        Outcome = Outcome.Passed,
        Connections = 1,
        LastMs = 9000,
    };
}
