using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Tests;

/// <summary>Workloads that peers see under other addresses than their own, alone or with others.</summary>
public class TranslationTests
{
    [Theory]
    [InlineData("tcp/8080-8089", 80, "tcp/80-84", "tcp/8080-8084")]
    [InlineData("tcp/8080-8089", 80, "tcp/85-100", "tcp/8085-8089")]
    [InlineData("tcp/8080-8089", 80, "tcp/1-82", "tcp/8080-8082")]
    [InlineData("tcp/8080-8089", 80, "tcp/90", null)]
    [InlineData("tcp/8080-8089", 80, "tcp/79", null)]
    [InlineData("tcp/8080", 80, "any", "tcp/8080")]
    [InlineData("tcp/8080", 80, "tcp", "tcp/8080")]
    [InlineData("tcp/8080", 80, "udp/80", null)]
    [InlineData("tcp/80", 8080, "tcp/8080", "tcp/80")]
    [InlineData("tcp/1", 65535, "tcp/60000-65535", "tcp/1")]
    [InlineData("any", 0, "tcp/80-90", "tcp/80-90")]
    [InlineData("any", 0, "any", "any")]
    [InlineData("icmp/8", 8, "icmp", "icmp/8")]
    [InlineData("47", 0, "47", "47")]
    public void Own_ports_are_visible_as_others(string visible, int firstOwn, string own, string? expected)
    {
        Assert.True(PortMapping.TryCreate(Port(visible), firstOwn, out var mapping));
        Assert.Equal(expected, mapping.VisibleOf(Port(own))?.ToString());
        var (named, ports) = (Port(own), Enumerable.Range(0, 65536).Select(port => (ushort)port));
        foreach (var port in ports)
        {
            var lands = mapping.OwnOf(6, port);
            Assert.Equal(lands is { } at && named.Matches(6, at), expected is not null && Port(expected).Matches(6, port));
            Assert.True(lands is null || mapping.VisibleOf(6, lands.Value) == port);
        }
    }

    [Theory]
    [InlineData("tcp/80-90", 65530)]
    [InlineData("icmp/8", 9)]
    [InlineData("any", 80)]
    [InlineData("tcp", 1)]
    [InlineData("tcp/80", -1)]
    public void What_cannot_be_rewritten_is_no_mapping(string visible, int firstOwn) => Assert.False(PortMapping.TryCreate(Port(visible), firstOwn, out _));

    [Fact]
    public void An_allow_names_who_else_it_lets_in_and_a_deny_whom_else_it_hits()
    {
        var world = Office().Ruleset("r", "all", Write.Allow("role=desk", "role=db", "tcp/1"), Write.Deny("role=printer", "role=db", "tcp/2"), Write.Allow("role=desk|printer", "role=db", "tcp/3"));
        Assert.Equal(
        [
            "rulesets[r].rules[id=1] It also opens to printer, whose connections come from 192.0.2.1 too: hosts cannot tell them from those that it is for.",
            "rulesets[r].rules[id=2] It also closes to desk, whose connections come from 192.0.2.1 too: hosts cannot tell them from those that it is for.",
        ], Findings(world, "shared-address"));
        Assert.Equal((Outcome.Allow, 1L), Inbound(world.Judge("192.0.2.1", "db", "tcp/1")));
        Assert.Equal((Outcome.Block, 2L), Inbound(world.Judge("192.0.2.1", "db", "tcp/2")));
    }

    [Fact]
    public void A_way_to_a_shared_virtual_IP_names_who_else_is_behind_the_same_ports()
    {
        var world = new World().Host("client", "role=client")
            .Host("web", "role=web").Translated(["192.0.2.1 tcp/443 8443 shared"])
            .Host("admin", "role=admin").Translated(["192.0.2.1 tcp/440-450 1440 shared"])
            .Host("mail", "role=mail").Translated(["192.0.2.1 tcp/25 25 shared"])
            .Modes("all", "full", "full")
            .Ruleset("r", "all", Write.Allow("role=client", "role=web", "tcp/8443"), Write.Allow("role=client", "role=mail", "tcp/25"));
        Assert.Equal(["rulesets[r].rules[id=1] It also opens the way to admin, behind 192.0.2.1 too: hosts cannot tell them from those that it is for."], Findings(world, "shared-address"));
        var verdict = world.Judge("client", "192.0.2.1", "tcp/443");
        Assert.Equal((Outcome.Allow, Outcome.Unknown, VerdictKind.Unknown), (verdict.Source!.Outcome, verdict.Destination!.Outcome, verdict.Kind));
        Assert.Equal(VerdictKind.Allowed, world.Judge("client", "192.0.2.1", "tcp/25").Kind);
        Assert.Equal(VerdictKind.Blocked, world.Judge("client", "192.0.2.1", "tcp/444").Kind);
    }

    [Fact]
    public void A_condition_on_the_consumer_opens_no_address_that_others_connect_from()
    {
        var rule = Write.Allow("role=desk", "role=db", "tcp/1") with { Users = ["ops"] };
        var (shared, alone) = (Office().Ruleset("r", "all", rule), Office("192.0.2.2").Ruleset("r", "all", rule));
        Assert.Equal(Outcome.Block, shared.Judge("192.0.2.1", "db", "tcp/1").Destination!.InFull);
        Assert.Equal(Outcome.Allow, alone.Judge("192.0.2.1", "db", "tcp/1").Destination!.InFull);
        Assert.Empty(alone.Compile().LeftOut);
        Assert.Equal(["Providers do not open to desk from 192.0.2.1, which it shares with printer: connections from there need not meet the rule's process or user condition."], shared.Compile().LeftOut.Select(left => left.Reason));
    }

    [Fact]
    public void A_host_that_lends_its_address_is_not_let_in_under_a_condition_either()
    {
        World Hosts(params string[] sources) => new World().Host("db", "role=db").Host("host", "role=host").Host("box", "role=box").InSpace("box").Translated([], sources)
            .Modes("all", "full", "full").Ruleset("r", "all", Write.Allow("role=host", "role=db", "tcp/1") with { Users = ["ops"] });
        Assert.Equal(Outcome.Allow, Hosts().Judge("host", "db", "tcp/1").Destination!.Outcome);
        Assert.Equal(Outcome.Block, Hosts("10.0.0.2").Judge("host", "db", "tcp/1").Destination!.Outcome);
        Assert.Equal(Outcome.Allow, Hosts("10.0.0.2").Judge("host", "db", "tcp/1", v6: true).Destination!.Outcome);
    }

    [Fact]
    public void A_quarantine_cuts_off_where_one_connects_from_but_not_a_virtual_IP_that_leads_to_others()
    {
        World Hosts(bool both) => new World().Host("peer", "role=peer")
            .Host("sick", "role=web", quarantined: true).Translated(["192.0.2.1 tcp/443 443 shared"], "192.0.2.2")
            .Host("well", "role=web", quarantined: both).Translated(["192.0.2.1 tcp/443 443 shared"], "192.0.2.2")
            .Ruleset("r", "all", Write.Allow("all", "all", "any"));
        var world = Hosts(both: false);
        Assert.Equal(["10.0.0.2", "192.0.2.2", "fd00::2"], world.HostPolicy("peer").QuarantinedPeers.Select(peer => peer.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal(DecidedBy.Quarantine, world.Judge("192.0.2.2", "peer", "tcp/1").Destination!.By);
        Assert.Equal(Outcome.Allow, world.Judge("peer", "192.0.2.1", "tcp/443").Source!.Outcome);
        Assert.Equal(
        [
            "workloads[sick] Its quarantine also cuts off well at 192.0.2.2: peers cannot tell who connects from there.",
            "workloads[sick] Peers still connect to 192.0.2.1, which leads to well as well as to this workload in quarantine.",
        ], Findings(world, "shared-quarantine"));
        Assert.Equal(DecidedBy.Quarantine, Hosts(both: true).Judge("peer", "192.0.2.1", "tcp/443").Source!.By);
    }

    [Fact]
    public void Of_two_that_do_not_share_the_established_one_is_reached()
    {
        var world = new World().Host("client", "role=client").Host("first", "role=web").Translated(["192.0.2.1 tcp/80-90 80"]).Host("second", "role=db").Translated(["192.0.2.1 tcp/90 90 shared"])
            .Modes("all", "full", "full").Ruleset("r", "all", Write.Allow("role=client", "role=db", "tcp/90"));
        Assert.Equal(Outcome.Block, world.Judge("client", "192.0.2.1", "tcp/90").Source!.Outcome);
        Assert.Equal(["workloads[second] 192.0.2.1 tcp/90 leads to another workload, which was there first, so peers do not reach this one by it. Declare it shared at both, or remove it at one."], Findings(world, "contested-publication"));
    }

    /// <summary>What one workload publishes decides what another is reached by, though nothing about that other changes.</summary>
    [Fact]
    public void A_port_that_changes_hands_does_so_in_one_step()
    {
        World Hosts(bool taken) => new World().Host("client", "role=client").Host("first", "role=web").Translated(taken ? ["192.0.2.1 tcp/80-90 80"] : []).Host("second", "role=db").Translated(["192.0.2.1 tcp/90 90"])
            .Modes("all", "full", "full").Ruleset("r", "all", Write.Allow("role=client", "role=db", "tcp/90"));
        var (free, taken) = (Hosts(taken: false), Hosts(taken: true));
        foreach (var (before, after, outcome) in new[] { (free, taken, Outcome.Block), (taken, free, Outcome.Allow) })
        {
            var compiled = before.Compile();
            var step = compiled.Advance(compiled.Policy, compiled.Workloads.With([after.Workloads[1]], []), compiled.State.Settings);
            Assert.NotNull(step.Delta.For(after.Workloads[0].Id));
            Assert.Equal(after.HostPolicy("client"), step.After.Hosts[after.Workloads[0].Id]);
            Assert.Equal(outcome, new PolicyEvaluator(step.After).Judge(after.Connect("client", "192.0.2.1", "tcp/90")).Source!.Outcome);
        }
    }

    [Fact]
    public void Each_end_sees_the_other_as_it_is_visible_in_its_own_space()
    {
        var world = new World().Host("client", "role=client").InSpace("left").Translated([], "192.0.2.1").Host("shop", "role=shop").InSpace("right").Translated(["192.0.2.2 tcp/8080 80"]);
        var index = new WorkloadIndex([world.Workloads[0], world.Workloads[1] with { Published = [.. world.Workloads[1].Published, new(new(new("left"), IpAddress.Parse("192.0.2.3")), PortMapping.Same(Port("tcp/80")), false)] }]);
        // Between the two translations.
        var between = new Connection(AddressSpace.Default, IpAddress.Parse("192.0.2.1"), IpAddress.Parse("192.0.2.2"), 6, 8080, SocketFacts.Unrecorded, SocketFacts.Unrecorded);
        Assert.Equal(("left", "10.0.0.1", "192.0.2.3", 80), Seen(ConnectionEnd.Of(index, between, Direction.Outbound)));
        Assert.Equal(("right", "192.0.2.1", "10.0.0.2", 80), Seen(ConnectionEnd.Of(index, between, Direction.Inbound)));
        // Where the consumer is.
        var left = between with { Space = new("left"), Source = IpAddress.Parse("10.0.0.1"), Destination = IpAddress.Parse("192.0.2.3"), Port = 80 };
        Assert.Equal(("left", "10.0.0.1", "192.0.2.3", 80), Seen(ConnectionEnd.Of(index, left, Direction.Outbound)));
        Assert.Equal(("right", "10.0.0.1", "10.0.0.2", 80), Seen(ConnectionEnd.Of(index, left, Direction.Inbound)));
        // Where nobody is known.
        Assert.Empty(ConnectionEnd.Of(index, left with { Port = 81 }, Direction.Inbound));
        Assert.Empty(ConnectionEnd.Of(index, between with { Source = IpAddress.Parse("192.0.2.9") }, Direction.Outbound));
    }

    [Fact]
    public void What_would_allow_a_translated_connection_names_the_providers_own_port()
    {
        var world = new World().Host("client", "role=client").Host("shop", "role=shop").Translated(["192.0.2.1 tcp/8080 80"]).Modes("all", "full", "full")
            .Ruleset("r", "all", Write.Allow("role=client", "role=shop", "tcp/443"));
        var remedy = Assert.Single(new Explainer(new(world.Compile())).Explain(world.Connect("client", "192.0.2.1", "tcp/8080")).Remedies);
        Assert.Equal("Add tcp/80 to the services of rule 1 of ruleset 'r', which covers both ends already.", remedy.Sentence);
    }

    [Fact]
    public void Who_reaches_whom_goes_through_translations()
    {
        var world = Office().Host("shop", "role=shop").InSpace("box", seesIt: false).Translated(["192.0.2.5 tcp/8080 80"], "192.0.2.6").Ruleset("r", "all", Write.Allow("role=desk|shop", "role=db", "tcp/80"), Write.Allow("role=db", "role=shop", "tcp/80"));
        var (evaluator, db) = (new PolicyEvaluator(world.Compile()), world.Workloads[0]);
        string Text(IEnumerable<Reached> reached) => string.Join("; ", reached.Select(r => $"{r.Example.Name} {r.Verdict.Kind}"));
        // The provider would let the desk in; but nothing says under which address the branch sees it.
        Assert.Equal("desk Blocked; printer Blocked; shop Allowed", Text(Reachability.To(evaluator, db, 6, 80, SocketFacts.Unrecorded, SocketFacts.Unrecorded).Workloads));
        Assert.Equal("shop Allowed", Text(Reachability.From(evaluator, db, 6, 80, SocketFacts.Unrecorded, SocketFacts.Unrecorded).Workloads));
        Assert.Equal("", Text(Reachability.From(evaluator, db, 6, 81, SocketFacts.Unrecorded, SocketFacts.Unrecorded).Workloads));
    }

    [Fact]
    public void Where_it_is_known_who_connects_others_behind_the_address_do_not_matter()
    {
        var world = Office().Ruleset("r", "all", Write.Allow("role=desk", "role=db", "tcp/80"), Write.Allow("role=desk", "network:db", "tcp/80")).Network("db", "10.0.0.1");
        var (evaluator, connection) = (new PolicyEvaluator(world.Compile()), world.Connect("192.0.2.1", "db", "tcp/80"));
        WorkloadId Id(string name) => world.Workloads.Single(workload => workload.Name == name).Id;
        Assert.Equal(VerdictKind.Unknown, evaluator.Judge(connection).Kind);
        Assert.Equal(VerdictKind.Allowed, evaluator.Judge(connection, Id("desk"), null).Kind);
        Assert.Equal(VerdictKind.Blocked, evaluator.Judge(connection, Id("printer"), null).Kind);
        Assert.Equal(VerdictKind.Unknown, evaluator.Judge(connection, Id("db"), null).Kind);
        Assert.Equal("desk Allowed; printer Blocked", string.Join("; ", Reachability.To(evaluator, world.Workloads[0], 6, 80, SocketFacts.Unrecorded, SocketFacts.Unrecorded).Workloads.Select(r => $"{r.Example.Name} {r.Verdict.Kind}")));
        Assert.NotEmpty(new Explainer(evaluator).Explain(connection, Id("printer"), null).Remedies);
        Assert.Empty(new Explainer(evaluator).Explain(connection, Id("desk"), null).Remedies);
    }

    private static World Office(string printersSource = "192.0.2.1") => new World().Host("db", "role=db")
        .Host("desk", "role=desk").InSpace("branch").Translated([], "192.0.2.1").Host("printer", "role=printer").InSpace("branch").Translated([], printersSource).Modes("all", "full", "full");

    private static IEnumerable<string> Findings(World world, string code) =>
        world.Compile().Diagnostics.Where(found => found.Code == code).Select(found => $"{found.Path} {found.Message}");

    private static (Outcome, long?) Inbound(Verdict verdict) => (verdict.Destination!.Outcome, verdict.Destination.Rule?.Value);

    private static (string, string, string, int) Seen(IReadOnlyList<ConnectionEnd> ends)
    {
        var seen = Assert.Single(ends).Seen;
        return (seen.Space.Name, seen.Source.ToString(), seen.Destination.ToString(), seen.Port);
    }

    private static PortMatch Port(string text) => PortText.Parse(text, "", [])!.Value;
}
