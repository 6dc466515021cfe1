using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests;

/// <summary>What compiles where: each end receives only what it can decide (design, section 2).</summary>
public class PlacementTests
{
    [Theory]
    // action           condition      at the consumer (what it asks of its socket)   at the provider
    [InlineData("allow", "none", "yes", "yes")]
    [InlineData("allow", "process", "process", "yes")]
    [InlineData("allow", "users", "users", "yes")]
    [InlineData("allow", "both", "process users", "yes")]
    [InlineData("allow", "service", "yes", "process")]
    [InlineData("allow", "service and users", "users", "process")]
    [InlineData("deny", "none", "yes", "yes")]
    [InlineData("deny", "process", "process", "no")]
    [InlineData("deny", "users", "users", "no")]
    [InlineData("deny", "service", "no", "process")]
    [InlineData("override-deny", "process", "process", "no")]
    [InlineData("override-deny", "service", "no", "process")]
    public void Each_end_gets_what_it_can_decide(string action, string condition, string atConsumer, string atProvider)
    {
        var world = Estate(Conditioned(action, condition));
        Assert.Equal(atConsumer, Asked(world.HostPolicy("web"), Direction.Outbound));
        Assert.Equal(atProvider, Asked(world.HostPolicy("db"), Direction.Inbound));
        Assert.Equal("no", Asked(world.HostPolicy("web"), Direction.Inbound));
        Assert.Equal("no", Asked(world.HostPolicy("db"), Direction.Outbound));
        Assert.Empty(world.HostPolicy("other").Entries);
        Assert.Empty(world.Compile().LeftOut);
    }

    [Theory]
    // condition                lacking feature                left out at
    [InlineData("process", Features.ProcessOutbound, "web outbound, web inbound")]
    [InlineData("process", Features.UnitOutbound, "")]
    [InlineData("unit", Features.UnitOutbound, "web outbound, web inbound")]
    [InlineData("users", Features.UserOutbound, "web outbound, web inbound")]
    [InlineData("service", Features.ProcessInbound, "db inbound")]
    [InlineData("none", Features.ProcessInbound, "")]
    public void What_an_agent_cannot_decide_is_left_out_of_an_allow_and_listed(string condition, string lacking, string expected)
    {
        var features = Features.All.Where(f => f != lacking).Order(StringComparer.Ordinal).ToList();
        var compiled = Estate(Conditioned("allow", condition), features).Compile();
        Assert.Equal(
            expected.Split(", ", StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal),
            compiled.LeftOut.Select(l => $"{compiled.Workloads.Find(l.Host)!.Name} {l.Direction.ToString().ToLowerInvariant()}").Order(StringComparer.Ordinal));
        Assert.All(compiled.LeftOut, l => Assert.True(l.Reason.Length > 20));
        Assert.DoesNotContain(compiled.Hosts.Values, host => host.RequiredFeatures.Contains(lacking));
    }

    [Theory]
    [InlineData("process", Features.ProcessOutbound)]
    [InlineData("unit", Features.UnitOutbound)]
    [InlineData("users", Features.UserOutbound)]
    [InlineData("service", Features.ProcessInbound)]
    public void A_deny_that_an_agent_cannot_decide_stops_provisioning_unless_it_may_be_skipped(string condition, string lacking)
    {
        var features = Features.All.Where(f => f != lacking).Order(StringComparer.Ordinal).ToList();
        var refused = Estate(Conditioned("deny", condition), features).Compile();
        Assert.Contains(refused.Diagnostics, d => d.Severity == Severity.Error && d.Code == "unenforceable-deny");
        // An agent that lost the feature since must not find the deny gone: it is told, refuses, and keeps the policy that it has.
        var told = Assert.Single(refused.Hosts.Values, host => host.Entries.Any(entry => entry.Action == RuleAction.Deny));
        Assert.Contains(lacking, told.RequiredFeatures);
        var skipped = Estate(Conditioned("deny", condition) with { WhereUnenforceable = "skip" }, features).Compile();
        Assert.DoesNotContain(skipped.Diagnostics, d => d.Severity == Severity.Error);
        Assert.Single(skipped.LeftOut);
        Assert.DoesNotContain(skipped.Hosts.Values, host => host.RequiredFeatures.Contains(lacking));
    }

    [Fact]
    public void A_network_is_enforced_at_the_other_labelled_end_alone()
    {
        var world = new World().Host("web", "role=web,app=shop").Host("db", "role=db,app=shop").Network("dbs", "10.0.0.2")
            .Ruleset("r", "app=shop", Write.Allow("role=web", "network:dbs", "tcp/1"), Write.Deny("network:dbs", "role=web", "tcp/2"));
        Assert.Equal([Direction.Inbound, Direction.Outbound], world.HostPolicy("web").Entries.Select(e => e.Direction));
        Assert.Empty(world.HostPolicy("db").Entries);
    }

    [Theory]
    // action, where unenforceable, addresses      in full, to 192.0.2.9
    [InlineData("allow", "refuse", "192.0.2.0/24", Outcome.Allow)]
    [InlineData("allow", "refuse", "", Outcome.Block)]
    [InlineData("deny", "skip", "192.0.2.0/24", Outcome.Block)]
    [InlineData("deny", "refuse", "192.0.2.0/24", null)]
    public void Of_a_network_with_domain_names_the_addresses_are_enforced_and_the_rest_is_said(string action, string unenforceable, string addresses, Outcome? expected)
    {
        var world = new World().Host("web", "role=web").Modes("all", "full", "full")
            .Ruleset("r", "all", Write.Allow("role=web", "network:n", "tcp/443") with { Action = action, WhereUnenforceable = unenforceable });
        world.Document = world.Document with { Networks = [new() { Name = "n", Addresses = addresses.Split(' ', StringSplitOptions.RemoveEmptyEntries), Fqdn = ["*.example.com"] }] };
        if (expected is null)
        {
            Assert.Contains(world.Problems(), d => d is { Severity: Severity.Error, Code: "unenforceable-fqdn" });
            return;
        }

        Assert.Equal(expected, world.Judge("web", "192.0.2.9", "tcp/443").Source!.Outcome);
        Assert.Contains(world.Problems().Concat(world.Compile().Diagnostics), d => d is { Severity: Severity.Warning, Code: "not-yet-enforceable" });
    }

    [Fact]
    public void Required_features_are_those_that_the_entries_need_and_no_others()
    {
        Assert.Equal([Features.Base], Estate(Conditioned("allow", "none")).HostPolicy("web").RequiredFeatures);
        Assert.Equal([Features.Base, Features.ProcessOutbound, Features.UserOutbound], Estate(Conditioned("allow", "both")).HostPolicy("web").RequiredFeatures);
        Assert.Equal([Features.Base, Features.ProcessInbound], Estate(Conditioned("deny", "service")).HostPolicy("db").RequiredFeatures);
        Assert.Equal([Features.Base], Estate(Conditioned("deny", "users")).HostPolicy("db").RequiredFeatures);
    }

    [Theory]
    // condition               untracked at the consumer, and at the provider
    [InlineData("none", true, true)]
    [InlineData("users", false, true)]
    [InlineData("process", false, true)]
    public void A_stateless_service_is_not_tracked_where_the_hosts_own_socket_does_not_decide(string condition, bool atConsumer, bool atProvider)
    {
        var rule = Conditioned("allow", condition) with { Services = ["dns", "tcp/53", "tcp/443"] };
        var world = Estate(rule);
        world.Document = world.Document with { Services = [new() { Name = "dns", Ports = ["udp/53", "tcp/53"], Stateless = true }] };
        foreach (var (name, untracked) in new[] { ("web", atConsumer), ("db", atProvider) })
        {
            var host = world.HostPolicy(name);
            Assert.Equal(untracked ? ["tcp/53 udp/53"] : [], host.Entries.Where(e => e.Stateless).Select(e => string.Join(' ', e.Ports)));
            Assert.Equal(untracked ? ["tcp/443"] : ["tcp/53 tcp/443 udp/53"], host.Entries.Where(e => !e.Stateless).Select(e => string.Join(' ', e.Ports)));
            Assert.Equal(untracked, host.RequiredFeatures.Contains(Features.Stateless));
        }
    }

    [Fact]
    public void An_agent_that_cannot_leave_connections_untracked_tracks_them_and_a_deny_never_is_stateless()
    {
        PolicyDocument With(RuleDocument rule) => new() { Services = [new() { Name = "dns", Ports = ["udp/53"], Stateless = true }], Rulesets = [new() { Name = "r", Scopes = [new() { Selector = "all" }], Rules = [rule] }] };
        var world = new World().Host("web", "role=web", features: [Features.Base]).Host("db", "role=db");
        world.Document = With(Write.Allow("role=web", "role=db", "dns"));
        var compiled = world.Compile();
        Assert.Empty(compiled.LeftOut);
        Assert.Equal([false, true], compiled.Hosts.OrderBy(h => h.Key).Select(h => Assert.Single(h.Value.Entries).Stateless));
        Assert.Equal([Features.Base], world.HostPolicy("web").RequiredFeatures);
        world.Document = With(Write.Deny("role=web", "role=db", "dns"));
        Assert.All(world.Compile().Hosts.Values, host => Assert.False(Assert.Single(host.Entries).Stateless));
    }

    [Fact]
    public void A_helper_is_told_to_both_ends_and_a_deny_has_none()
    {
        var world = Helped(Write.Allow("role=web", "role=db", "ftp", "tcp/21", "tcp/443"), Features.All);
        foreach (var name in new[] { "web", "db" })
        {
            var host = world.HostPolicy(name);
            Assert.Equal(["ftp: tcp/21 tcp/2121", ": tcp/21 tcp/443"], host.Entries.OrderBy(e => e.Helper is null).Select(e => $"{e.Helper}: {string.Join(' ', e.Ports)}"));
            Assert.Equal([Features.Base, "helper-ftp-1"], host.RequiredFeatures);
        }

        Assert.All(Helped(Write.Deny("role=web", "role=db", "ftp"), Features.All).Compile().Hosts.Values, host => Assert.Null(Assert.Single(host.Entries).Helper));
    }

    [Fact]
    public void An_agent_without_the_helper_goes_without_that_part_of_the_rule_and_it_is_listed()
    {
        var world = Helped(Write.Allow("role=web", "role=db", "ftp", "tcp/443"), [.. Features.All.Where(feature => feature != "helper-ftp-1")]);
        var compiled = world.Compile();
        Assert.Equal("web goes without it: its agent lacks helper-ftp-1.", Assert.Single(compiled.LeftOut).Reason);
        Assert.Equal("tcp/443", string.Join(' ', Assert.Single(world.HostPolicy("web").Entries).Ports));
        Assert.Equal(2, world.HostPolicy("db").Entries.Count);
    }

    [Theory]
    [InlineData("unknown-helper", "irc", "tcp/6667", false)]
    [InlineData("unknown-helper", "FTP", "tcp/21", false)]
    [InlineData("helper-ports", "ftp", "udp/21", false)]
    [InlineData("helper-ports", "ftp", "tcp", false)]
    [InlineData("helper-ports", "ftp", "any", false)]
    [InlineData("helper-ports", "tftp", "tcp/69", false)]
    [InlineData("helper-ports", "ftp", "tcp/2100-2116", false)]
    [InlineData("helper-stateless", "tftp", "udp/69", true)]
    public void What_no_helper_can_follow_is_an_error(string code, string helper, string port, bool stateless)
    {
        var world = new World();
        world.Document = new() { Services = [new() { Name = "s", Ports = [port], Helper = helper, Stateless = stateless }] };
        Assert.Equal((code, "services[s].helper"), world.Problems().Select(d => (d.Code, d.Path)).Single());
    }

    [Fact]
    public void What_is_agreed_upon_is_nobodys_in_particular_so_that_an_allow_with_a_condition_can_have_no_helper()
    {
        var world = new World();
        world.Document = new() { Services = [new() { Name = "s", Ports = ["tcp/21"], Helper = "ftp", Process = new() { Path = "/bin/ftpd" } }] };
        Assert.Equal(("helper-process", "services[s].helper"), world.Problems().Select(d => (d.Code, d.Path)).Single());
        foreach (var condition in new Func<RuleDocument, RuleDocument>[] { rule => rule with { Users = ["ops"] }, rule => rule with { FromProcess = new() { Unit = "sync.service" } } })
        {
            Assert.Equal(["helper-process"], Helped(condition(Write.Allow("role=web", "role=db", "ftp")), Features.All).Problems().Where(d => d.Severity == Severity.Error).Select(d => d.Code));
            Assert.DoesNotContain(Helped(condition(Write.Deny("role=web", "role=db", "ftp")), Features.All).Problems(), d => d.Severity == Severity.Error);
        }
    }

    [Fact]
    public void A_rule_gives_the_same_helper_to_few_ports_though_it_names_several_services()
    {
        var world = Helped(Write.Allow("role=web", "role=db", "ftp", "more"), Features.All);
        world.Document = world.Document with { Services = [.. world.Document.Services, new() { Name = "more", Ports = ["tcp/3000-3014"], Helper = "ftp" }] };
        Assert.Equal(["helper-ports"], world.Problems().Where(d => d.Severity == Severity.Error).Select(d => d.Code));
    }

    [Fact]
    public void A_helper_that_is_never_given_because_another_rule_leaves_the_same_connections_untracked_is_warned_of()
    {
        World Both(string to) => new World().Let(world => world.Document = new()
        {
            Services = [new() { Name = "boot", Ports = ["udp/69", "udp/6969"], Helper = "tftp" }, new() { Name = "busy", Ports = ["udp/53", "udp/69"], Stateless = true }],
            Rulesets =
            [
                new() { Name = "boot", Scopes = [new() { Selector = "all" }], Rules = [Write.Allow("all", "role=boot", "boot") with { Id = 1 }] },
                new() { Name = "busy", Scopes = [new() { Selector = "env=prod" }], Rules = [Write.Allow("role=web", to, "busy") with { Id = 2 }] },
            ],
        });
        var warned = Both("role=boot|dns").Problems().Where(problem => problem.Code == "helper-untracked").ToList();
        Assert.Equal(
            ("rulesets[boot].rules[id=1].services", "Rule 2 leaves udp/69 between some of the same ends untracked, so that the helper is not given there. Take the ports out of one of the two."),
            (Assert.Single(warned).Path, warned[0].Message));
        Assert.DoesNotContain(Both("role=dns").Problems(), problem => problem.Code == "helper-untracked");
    }

    private static World Helped(RuleDocument rule, IReadOnlyList<string> features)
    {
        var world = new World().Host("web", "role=web", features: [.. features]).Host("db", "role=db");
        world.Document = new() { Services = [new() { Name = "ftp", Ports = ["tcp/21", "tcp/2121"], Helper = "ftp" }], Rulesets = [new() { Name = "r", Scopes = [new() { Selector = "all" }], Rules = [rule] }] };
        return world;
    }

    [Theory]
    [InlineData("stateless-process", "udp/53", "/bin/dns")]
    [InlineData("stateless-ports", "any", null)]
    [InlineData("stateless-ports", "udp", null)]
    [InlineData("stateless-ports", "icmp/8", null)]
    [InlineData("stateless-ports", "sctp/80", null)]
    public void What_cannot_be_stateless_is_an_error(string code, string port, string? process)
    {
        var world = new World();
        world.Document = new() { Services = [new() { Name = "s", Ports = ["tcp/1", port], Stateless = true, Process = process is null ? null : new() { Path = process } }] };
        Assert.Equal((code, "services[s].stateless"), world.Problems().Select(d => (d.Code, d.Path)).Single());
    }

    [Fact]
    public void An_address_that_two_claim_counts_for_its_holder_alone()
    {
        var (holder, claimant, server) = (Machine(1, "holder", "role=web", "10.0.0.7"), Machine(2, "claimant", "role=app", "10.0.0.7"), Machine(3, "server", "role=db", "10.0.0.3"));
        var world = new World().Modes("all", "full", "full").Ruleset("r", "all", Write.Allow("role=app", "role=db", "any"), Write.Deny("role=web", "role=db", "any"));
        var compiled = PolicyCompiler.Compile(world.Parse(), new([claimant, server, holder]), new(new(1, 1), World.Now, []));
        var verdict = new PolicyEvaluator(compiled).Judge(world.Connect("10.0.0.7", "10.0.0.3", "tcp/1"));
        Assert.Equal((new RuleId(2), Outcome.Block), (verdict.Destination!.Rule!.Value, verdict.Destination.Outcome));
        var sick = PolicyCompiler.Compile(world.Parse(), new([claimant with { Quarantined = true }, server, holder]), new(new(1, 1), World.Now, []));
        Assert.Empty(sick.Hosts[server.Id].QuarantinedPeers);
    }

    [Fact]
    public void Spaces_keep_equal_addresses_apart()
    {
        var vpc = new AddressSpace("vpc");
        var outside = Machine(1, "outside", "role=web", "10.0.0.7");
        var inside = Machine(2, "inside", "role=web", "10.0.0.8") with { Space = vpc, Addresses = [new(vpc, IpAddress.Parse("10.0.0.8"))] };
        var server = Machine(3, "server", "role=db", "10.0.0.3") with { Space = vpc, Addresses = [new(vpc, IpAddress.Parse("10.0.0.3"))] };
        var world = new World().Modes("all", "full", "full").Ruleset("r", "all", Write.Allow("role=web", "role=db", "any"));
        var compiled = PolicyCompiler.Compile(world.Parse(), new([outside, inside, server]), new(new(1, 1), World.Now, []));
        Assert.Equal([IpPrefix.Host(IpAddress.Parse("10.0.0.8"))], Assert.Single(compiled.Hosts[server.Id].PeerSets).Members);
        Assert.Empty(Assert.Single(compiled.Hosts[outside.Id].PeerSets).Members);
    }

    private static World Estate(RuleDocument rule, IReadOnlyList<string>? features = null) => new World()
        .Host("web", "role=web", features: features).Host("db", "role=db", features: features).Host("other", "role=other")
        .Modes("all", "full", "full")
        .Service("served", new() { Path = "/usr/bin/db" }, "tcp/5432").Ruleset("r", "all", rule);

    private static RuleDocument Conditioned(string action, string condition) => Write.Allow("role=web", "role=db", condition.StartsWith("service", StringComparison.Ordinal) ? "served" : "tcp/5432") with
    {
        Action = action,
        FromProcess = condition is "process" or "both" ? new() { Path = "/usr/bin/app" } : condition is "unit" ? new() { Unit = "app.service" } : null,
        Users = condition is "users" or "both" or "service and users" ? ["dba"] : [],
    };

    private static string Asked(HostPolicy host, Direction direction)
    {
        var entries = host.Entries.Where(e => e.Direction == direction).ToList();
        return entries.Count == 0 ? "no"
            : Assert.Single(entries) is { HasSocketCondition: true } entry ? string.Join(' ', new[] { entry.Process is null ? null : "process", entry.Users.Count > 0 ? "users" : null }.OfType<string>())
            : "yes";
    }

    private static Workload Machine(int id, string name, string labels, string address) => new World().Host(name, labels).Workloads[0] with
    {
        Id = new(new Guid(id, 0, 0, new byte[8])),
        Addresses = [ScopedAddress.Of(IpAddress.Parse(address))],
    };
}
