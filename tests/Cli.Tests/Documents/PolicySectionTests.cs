using Bulkhead.Cli.Documents;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Cli.Tests.Documents;

public sealed class PolicySectionTests
{
    private static readonly PolicyDocument Draft = new()
    {
        Rulesets = [Ruleset("shop", Rule(3, "role=web"), Rule(4, "role=app"), Rule(5, "role=app")), Ruleset("other", Rule(9, "all"))],
        Services = [new() { Name = "https", Ports = ["tcp/443"] }],
        Modes = [new() { Selector = "app=shop", Inbound = "full" }],
    };

    [Fact]
    public void Replaces_what_has_the_same_name_and_keeps_the_rest()
    {
        var merged = PolicySections.Merge(Draft, new()
        {
            Rulesets = [Ruleset("new"), Ruleset("shop")],
            Modes = [new() { Selector = "app=shop", Inbound = "selective" }, new() { Selector = "all" }],
        });
        Assert.Equal(["shop", "other", "new"], merged.Rulesets.Select(ruleset => ruleset.Name));
        Assert.Empty(merged.Rulesets[0].Rules);
        Assert.Equal([("app=shop", "selective"), ("all", "visibility")], merged.Modes.Select(mode => (mode.Selector, mode.Inbound)));
        Assert.Equal(Draft.Services, merged.Services);
    }

    [Fact]
    public void Applying_what_is_there_already_changes_nothing()
    {
        var withoutIds = new PolicyDocument { Rulesets = [Ruleset("shop", Rule(0, "role=app"), Rule(0, "role=web"), Rule(0, "role=app"))] };
        Assert.Equal(PolicyJson.Canonical(Draft), PolicyJson.Canonical(PolicySections.Merge(Draft, withoutIds)));
    }

    [Fact]
    public void A_new_rule_never_takes_the_id_of_another()
    {
        var edit = new PolicyDocument { Rulesets = [Ruleset("shop", Rule(0, "role=app"), Rule(4, "role=db"), Rule(0, "role=app"), Rule(0, "role=app"))] };
        Assert.Equal([5, 4, 0, 0], PolicySections.Merge(Draft, edit).Rulesets[0].Rules.Select(rule => rule.Id));
    }

    [Fact]
    public void What_stands_twice_in_an_edit_is_refused()
    {
        var failure = Assert.Throws<Failure>(() => PolicySections.Merge(Draft, new() { Rulesets = [Ruleset("shop"), Ruleset("shop")] }));
        Assert.Equal(ExitCode.Refused, failure.ExitCode);
    }

    [Fact]
    public void Deleting_what_is_not_there_deletes_nothing()
    {
        Assert.Equal(["other"], PolicySections.Rulesets.Without(Draft, ["shop"]).Rulesets.Select(ruleset => ruleset.Name));
        var failure = Assert.Throws<Failure>(() => PolicySections.Rulesets.Without(Draft, ["shop", "shpo"]));
        Assert.Equal(ExitCode.NotFound, failure.ExitCode);
        Assert.Contains("'shpo'", failure.Message, StringComparison.Ordinal);
    }

    private static RulesetDocument Ruleset(string name, params RuleDocument[] rules) => new() { Name = name, Scopes = [new() { Selector = "all" }], Rules = rules };

    private static RuleDocument Rule(long id, string from) => new() { Id = id, From = from, To = "role=db", Services = ["tcp/3306"] };
}
