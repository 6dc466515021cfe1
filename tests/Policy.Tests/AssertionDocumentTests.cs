using System.Text;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests;

/// <summary>Assertions, label plans and domain names as written.</summary>
public class AssertionDocumentTests
{
    private static readonly AssertedDocument DevToProd = new() { From = "env=dev", To = "env=prod" };

    [Fact]
    public void Assertions_are_read_in_canonical_order()
    {
        var model = With(d => d with
        {
            Assertions =
            [
                new() { Name = "payments reach the bank", Must = new() { From = "app=pay", To = "network:net", Services = ["tcp/443"], FromProcess = new() { Path = "/bin/pay" }, Users = ["b", "a"] } },
                new() { Name = "dev stays out", Never = DevToProd, Owner = "ann", Reason = "audit" },
            ],
            Plans = [new() { Selector = "env=prod", Networks = ["net"] }],
        }).Parse();
        Assert.Equal(["dev stays out Never env=dev env=prod any", "payments reach the bank Must app=pay network:net tcp/443"],
            model.Assertions.Select(a => $"{a.Name} {a.Kind} {a.From} {a.To} {string.Join(',', a.Services.Select(s => s.Name))}"));
        Assert.Equal((["a", "b"], "/bin/pay"), (model.Assertions[1].Users, model.Assertions[1].FromProcess!.Path));
        Assert.Equal(("env=prod", "net"), (model.Plans[0].Selector.ToString(), model.Plans[0].Networks[0].Name));
    }

    public static TheoryData<string, object> Bad() => new()
    {
        { "bad-assertion assertions[a]", new PolicyDocument { Assertions = [new() { Name = "a" }] } },
        { "bad-assertion assertions[a]", new PolicyDocument { Assertions = [new() { Name = "a", Never = DevToProd, Must = DevToProd }] } },
        { "duplicate-name assertions[a]", new PolicyDocument { Assertions = [new() { Name = "a", Never = DevToProd }, new() { Name = "a", Never = DevToProd }] } },
        { "empty-selector assertions[a].must.to", new PolicyDocument { Assertions = [new() { Name = "a", Must = new() { From = "all" } }] } },
        { "no-labelled-end assertions[a].never", new PolicyDocument { Assertions = [new() { Name = "a", Never = new() { From = "network:net", To = "network:net" } }] } },
        { "unknown-service assertions[a].never.services[0]", new PolicyDocument { Assertions = [new() { Name = "a", Never = DevToProd with { Services = ["x"] } }] } },
        { "no-services assertions[a].never.services", new PolicyDocument { Assertions = [new() { Name = "a", Never = DevToProd with { Services = [] } }] } },
        { "bad-unit assertions[a].never.fromProcess.unit", new PolicyDocument { Assertions = [new() { Name = "a", Never = DevToProd with { FromProcess = new() { Unit = "x" } } }] } },
        { "bad-user-group assertions[a].never.users[0]", new PolicyDocument { Assertions = [new() { Name = "a", Never = DevToProd with { Users = [" "] } }] } },
        { "no-networks plans[0].networks", new PolicyDocument { Plans = [new() { Selector = "all" }] } },
        { "unknown-network plans[0].networks[1]", new PolicyDocument { Plans = [new() { Selector = "all", Networks = ["net", "mars"] }] } },
        { "plan-with-fqdn plans[0].networks[0]", new PolicyDocument { Plans = [new() { Selector = "all", Networks = ["web"] }] } },
        { "fail-safe-with-fqdn failSafe[0].network", new PolicyDocument { FailSafe = [new() { Network = "web", Ports = ["tcp/22"] }] } },
        { "unenforceable-fqdn rulesets[r].rules[0].to", new PolicyDocument { Rulesets = [Ruleset(Write.Deny("role=a", "network:web", "any"))] } },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void What_is_wrong_is_told_at_its_place(string expected, object document)
    {
        var problems = With(d => (PolicyDocument)document with { Networks = d.Networks }).Problems();
        Assert.Equal([expected], problems.Where(p => p.Severity == Severity.Error).Select(p => $"{p.Code} {p.Path}"));
    }

    [Fact]
    public void An_allow_with_domain_names_is_accepted_with_a_warning()
    {
        var world = With(d => d with { Rulesets = [Ruleset(Write.Allow("role=a", "network:web", "any"), Write.Deny("role=b", "network:web", "any") with { WhereUnenforceable = "skip" })] });
        Assert.Equal(["not-yet-enforceable networks[web].fqdn"], world.Problems().Select(p => $"{p.Code} {p.Path}"));
        var network = Assert.IsType<RuleEnd.Addresses>(world.Parse().Rulesets[0].Rules[0].To).Network;
        Assert.Equal((0, ["*.example.com", "www.example.com"]), (network.Prefixes.Count, network.Fqdn));
    }

    [Theory]
    [InlineData("*")]
    [InlineData("a.*.com")]
    [InlineData("*.")]
    [InlineData("a..b")]
    [InlineData("-a.com")]
    [InlineData("192.0.2.1")]
    [InlineData("exa mple.com")]
    [InlineData("")]
    public void A_bad_domain_name_is_refused(string name)
    {
        var world = new World { Document = new() { Networks = [new() { Name = "n", Fqdn = ["ok.example", name] }] } };
        Assert.Equal(["bad-fqdn networks[n].fqdn[1]"], world.Problems().Select(p => $"{p.Code} {p.Path}"));
    }

    [Fact]
    public void Documents_that_use_nothing_new_hash_as_they_always_did() => Assert.Equal(
        """{"rulesets":[],"services":[],"networks":[{"name":"n","addresses":["192.0.2.0/24"],"exclude":[]}],"modes":[],"failSafe":[]}""",
        Encoding.UTF8.GetString(PolicyJson.Canonical(new() { Networks = [new() { Name = "n", Addresses = ["192.0.2.0/24"] }] })));

    [Fact]
    public void A_diff_names_what_changed_in_groups_plans_and_assertions()
    {
        var before = new PolicyDocument
        {
            LabelGroups = [new() { Name = "g", Key = "env", Values = ["dev"] }],
            Plans = [new() { Selector = "env=dev", Networks = ["lab"] }],
            Assertions = [new() { Name = "a", Never = DevToProd }],
        };
        var after = before with { LabelGroups = [before.LabelGroups[0] with { Values = ["dev", "qa"] }], Plans = [], Assertions = [before.Assertions[0] with { Owner = "ann" }] };
        Assert.Equal(
            ["labelGroup g: values changed from [\"dev\"] to [\"dev\",\"qa\"]", "plans : removed env=dev in lab", "assertion a: owner changed from nothing to 'ann'"],
            PolicyDiff.Diff(before, after).Select(c => $"{c.Kind} {c.Name}: {string.Join("; ", c.Details)}"));
    }

    private static RulesetDocument Ruleset(params RuleDocument[] rules) => new() { Name = "r", Scopes = [new() { Selector = "all" }], Rules = rules };

    private static World With(Func<PolicyDocument, PolicyDocument> edit) => new()
    {
        Document = edit(new() { Networks = [new() { Name = "net", Addresses = ["192.0.2.0/24"] }, new() { Name = "web", Fqdn = ["www.example.com", "*.Example.com."] }] }),
    };
}
