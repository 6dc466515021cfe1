using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;

namespace Bulkhead.Policy.Tests;

/// <summary>Process and user conditions: where they compile, and what is decided when the facts are missing.</summary>
public class ConditionTests
{
    private static readonly SocketFacts Mariadbd = SocketFacts.Of("/usr/sbin/mariadbd", "mariadb.service", []);
    private static readonly SocketFacts Netcat = SocketFacts.Of("/usr/bin/nc", null, []);

    private static World Served(string action, string mode = "full") => new World().Host("web", "role=web").Host("db", "role=db")
        .Modes("all", mode, "visibility")
        .Service("mysql", new ProcessDocument { Path = "/usr/sbin/mariadbd" }, "tcp/3306")
        .Ruleset("r", "all", Write.Allow("role=web", "role=db", "mysql") with { Action = action });

    [Fact]
    public void The_serving_process_decides_an_allow()
    {
        Assert.Equal(Outcome.Allow, Served("allow").Judge("web", "db", "tcp/3306", provider: Mariadbd).Destination!.Outcome);
        Assert.Equal(Outcome.Block, Served("allow").Judge("web", "db", "tcp/3306", provider: Netcat).Destination!.Outcome);
        Assert.Equal(Outcome.Block, Served("allow").Judge("web", "db", "tcp/3306", provider: SocketFacts.Unidentified).Destination!.Outcome);
        Assert.Equal(Outcome.Unknown, Served("allow").Judge("web", "db", "tcp/3306", provider: SocketFacts.Unrecorded).Destination!.Outcome);
    }

    [Fact]
    public void Unrecorded_facts_matter_only_if_they_change_the_outcome()
    {
        Assert.Equal(Outcome.Block, Served("deny").Judge("web", "db", "tcp/3306").Destination!.Outcome);
        var selective = Served("deny", "selective").Judge("web", "db", "tcp/3306").Destination!;
        Assert.Equal((Outcome.Unknown, Outcome.Block), (selective.Outcome, selective.InFull));
    }

    [Fact]
    public void An_unidentified_socket_meets_a_deny_only_if_it_says_so()
    {
        var world = Served("deny", "selective");
        Assert.Equal(Outcome.Allow, world.Judge("web", "db", "tcp/3306", provider: SocketFacts.Unidentified).Destination!.Outcome);
        var rules = world.Document.Rulesets[0];
        world.Document = world.Document with { Rulesets = [rules with { Rules = [rules.Rules[0] with { Unidentified = "match" }] }] };
        Assert.Equal(Outcome.Block, world.Judge("web", "db", "tcp/3306", provider: SocketFacts.Unidentified).Destination!.Outcome);
    }

    [Fact]
    public void A_users_groups_may_be_unrecorded_though_the_process_is_known()
    {
        var world = new World().Host("web", "role=web").Host("db", "role=db").Modes("role=web", "visibility", "full")
            .Ruleset("r", "all", Write.Allow("role=web", "role=db", "any") with { Users = ["dba"], FromProcess = new() { Path = "/usr/bin/nc" }, Consumer = "best-effort" });
        Outcome Judge(SocketFacts facts) => world.Judge("web", "db", "tcp/1", consumer: facts).Source!.Outcome;
        Assert.Equal(Outcome.Unknown, Judge(SocketFacts.Of("/usr/bin/nc", null, null)));
        Assert.Equal(Outcome.Allow, Judge(SocketFacts.Of("/usr/bin/nc", null, ["dba"])));
        Assert.Equal(Outcome.Block, Judge(SocketFacts.Of("/usr/bin/nc", null, ["dev"])));
        Assert.Equal(Outcome.Block, Judge(SocketFacts.Of("/usr/bin/psql", null, null)));
    }

    /// <summary>Whoever is in a group is blocked by one rule, everybody else by the default; that takes all combinations of groups to see.</summary>
    [Theory]
    [InlineData(8, Outcome.Block)]
    [InlineData(9, Outcome.Unknown)]
    public void More_groups_than_can_be_gone_through_leave_it_unknown(int groups, Outcome expected)
    {
        string[] users = [.. Enumerable.Range(1, groups).Select(i => $"g{i}")];
        var world = new World().Host("web", "role=web").Host("db", "role=db").Modes("role=web", "visibility", "full")
            .Ruleset("r", "all", Write.OverrideDeny("role=web", "role=db", "any") with { Users = users }, Write.Allow("role=web", "role=db", "any") with { Users = users });
        Assert.Equal(expected, world.Judge("web", "db", "tcp/1", consumer: SocketFacts.Of("/bin/a", null, null)).Source!.Outcome);
    }

    [Theory]
    [InlineData(7, 7, Outcome.Block)]
    [InlineData(7, 8, Outcome.Unknown)]
    [InlineData(63, 0, Outcome.Block)]
    [InlineData(64, 0, Outcome.Unknown)]
    public void More_processes_than_can_be_gone_through_leave_it_unknown(int paths, int units, Outcome expected)
    {
        var processes = Enumerable.Range(1, paths).Select(i => new ProcessDocument { Path = $"/bin/p{i}" }).Concat(Enumerable.Range(1, units).Select(i => new ProcessDocument { Unit = $"u{i}.service" }));
        RuleDocument[] rules = [.. processes.SelectMany(process => (RuleDocument[])[Write.OverrideDeny("role=web", "role=db", "any") with { FromProcess = process }, Write.Allow("role=web", "role=db", "any") with { FromProcess = process }])];
        var world = new World().Host("web", "role=web").Host("db", "role=db").Modes("role=web", "visibility", "full").Ruleset("r", "all", rules);
        Assert.Equal(expected, world.Judge("web", "db", "tcp/1").Source!.Outcome);
    }

    private static World FromProcess(string outbound, IReadOnlyList<string>? features = null, string consumer = "strict") => new World()
        .Host("web", "role=web", features: features).Host("db", "role=db")
        .Modes("role=db", "full", "visibility").Modes("role=web", "visibility", outbound)
        .Ruleset("r", "all", Write.Allow("role=web", "role=db", "tcp/3306") with { FromProcess = new() { Path = "/usr/bin/app" }, Consumer = consumer });

    [Fact]
    public void A_provider_opens_only_to_sources_that_enforce_the_consumers_condition()
    {
        var app = SocketFacts.Of("/usr/bin/app", null, []);
        Assert.Equal(VerdictKind.Allowed, FromProcess("full").Judge("web", "db", "tcp/3306", consumer: app).Kind);
        Assert.Equal(VerdictKind.Blocked, FromProcess("full").Judge("web", "db", "tcp/3306", consumer: Netcat).Kind);
        var lax = FromProcess("visibility");
        Assert.Equal(Outcome.Block, lax.Judge("web", "db", "tcp/3306", consumer: app).Destination!.Outcome);
        Assert.Contains("web", Assert.Single(lax.Compile().LeftOut).Reason, StringComparison.Ordinal);
        Assert.Equal(Outcome.Allow, FromProcess("visibility", consumer: "best-effort").Judge("web", "db", "tcp/3306", consumer: Netcat).Destination!.Outcome);
    }

    [Fact]
    public void An_allow_that_an_agent_cannot_decide_is_left_out_and_listed()
    {
        var world = FromProcess("full", features: [Features.Base]);
        Assert.Empty(world.HostPolicy("web").Entries);
        Assert.Equal([Features.Base], world.HostPolicy("web").RequiredFeatures);
        Assert.Equal(2, world.Compile().LeftOut.Count);
    }

    [Fact]
    public void A_deny_that_an_agent_cannot_decide_is_an_error_unless_it_may_be_skipped()
    {
        var world = new World().Host("web", "role=web", features: [Features.Base]).Host("db", "role=db", features: [Features.Base])
            .Ruleset("r", "all", Write.Deny("role=web", "role=db", "any") with { FromProcess = new() { Path = "/usr/bin/app" } });
        Assert.Equal(
            [(Severity.Error, "unenforceable-deny"), (Severity.Warning, "unidentified-escapes")],
            world.Compile().Diagnostics.Select(d => (d.Severity, d.Code)).OrderByDescending(d => d.Severity));
        var ruleset = world.Document.Rulesets[0];
        world.Document = world.Document with { Rulesets = [ruleset with { Rules = [ruleset.Rules[0] with { WhereUnenforceable = "skip" }] }] };
        Assert.Equal(["unidentified-escapes"], world.Compile().Diagnostics.Select(d => d.Code));
        Assert.Single(world.Compile().LeftOut);
        world.Document = world.Document with { Rulesets = [ruleset with { Rules = [ruleset.Rules[0] with { WhereUnenforceable = "skip", Unidentified = "match" }] }] };
        Assert.Empty(world.Compile().Diagnostics);
    }

    [Fact]
    public void Required_features_name_what_the_entries_need()
    {
        Assert.Equal([Features.Base, Features.ProcessInbound], Served("allow").HostPolicy("db").RequiredFeatures);
        Assert.Equal([Features.Base], Served("allow").HostPolicy("web").RequiredFeatures);
    }
}
