using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Labels;

namespace Bulkhead.PolicyFiles.Tests;

/// <summary>Files become a policy, or every problem is told at its line.</summary>
public class PolicyFolderTests
{
    private static readonly HashSet<string> Keys = [.. LabelText.BuiltInKeys];

    private const string Shop = """
        # the shop
        rulesets:
          - name: shop
            description: >
              two
              lines
            scopes: [{ selector: "app=shop,env=@live", per: [env] }]
            rules:
              - { from: role=web, to: role=app, services: [app, tcp/8080], owner: ann, expires: 2027-01-01T00:00:00Z }
              - from: network:office
                to: role=web
                services: [any]
                within: to
                fromProcess: ~
        """;

    private const string Words = """
        services: [{ name: app, ports: [tcp/8080-8081] }]
        networks: [{ name: office, addresses: ["2001:db8::/32"] }]
        labelGroups: [{ name: live, key: env, values: [prod] }]
        """;

    [Fact]
    public void Files_of_a_folder_are_one_policy()
    {
        var folder = PolicyFolder.Read([new("b.yaml", Shop), new("a.yaml", Words)]);
        var (model, problems) = folder.Check(Keys);
        Assert.Empty(problems);
        var ruleset = folder.Document.Rulesets.Single();
        Assert.Equal(("two lines\n", "role=web", "allow", "ann", 0L), (ruleset.Description, ruleset.Rules[0].From, ruleset.Rules[0].Action, ruleset.Rules[0].Owner, ruleset.Rules[0].Id));
        Assert.Equal("env=prod", model!.Rulesets[0].Scopes[0].Selector.Requirements[1].ToString());
        Assert.Equal("b.yaml:10:9", folder.Rule(new(2))!.At.ToString());
        Assert.Equal("b.yaml:11:13", folder.PlaceOf("rulesets[shop].rules[id=2].to").ToString());
    }

    [Theory]
    // The form.
    [InlineData("rulset: []", "f:1:1 unknown-name rulset: There is no 'rulset' here. Did you mean 'rulesets'?")]
    [InlineData("modes:\n  - selector: all\n    inbuond: full", "f:3:5 unknown-name modes[0].inbuond: There is no 'inbuond' here. Did you mean 'inbound'?")]
    [InlineData("modes: full", "f:1:8 bad-form modes")]
    [InlineData("modes: [full]", "f:1:9 bad-form modes[0]")]
    [InlineData("services:\n- name: s\n  ports: [{}, [], ~]", "f:3:11 bad-form services[0].ports[0]; f:3:15 bad-form services[0].ports[1]; f:3:19 bad-form services[0].ports[2]")]
    [InlineData("services:\n- {name: s, ports: [tcp/1], process: {unti: x}}", "f:2:39 unknown-name services[0].process.unti")]
    [InlineData("modes:\n- selector: all\n  selector: all\n  inbound: ~", "f:3:3 duplicate-key selector; f:4:12 no-value modes[0].inbound")]
    [InlineData("rulesets: [{name: r, scopes: [{selector: all}], rules: [{id: x, expires: soon, from: all, to: all, services: [any]}]}]", "f:1:62 bad-number rulesets[0].rules[0].id; f:1:74 bad-time rulesets[0].rules[0].expires")]
    [InlineData("- a", "f:1:1 bad-form")]
    [InlineData("a: [", "f:2:1 bad-yaml")]
    [InlineData("a: 'x", "bad-yaml")]
    [InlineData("a: &x b\nc: *x", "f:1:4 alias")]
    [InlineData("c: *x", "f:1:4 alias")]
    [InlineData("a: !!binary abc", "f:1:4 tag")]
    [InlineData("modes: []\n---\nmodes: []", "f:2:1 second-document")]
    [InlineData("? [a]\n: b", "f:1:3 bad-form")]
    // What is said.
    [InlineData("modes:\n  - selector: tier=x\n    inbound: loud", "f:2:15 unknown-label-key modes[0].selector; f:3:14 bad-mode modes[0].inbound")]
    [InlineData("services:\n  - name: s\n    ports: [tcp/1, tcp/0]", "f:3:20 bad-port services[s].ports[1]")]
    [InlineData("services:\n  - ports: [tcp/1]", "f:2:5 bad-name services[0].name")]
    [InlineData("rulesets:\n  - name: a]b.c[0\n    scopes: [{selector: all}]\n    rules:\n      - from: all\n        to: ''\n        services: [any]", "f:6:13 empty-selector rulesets[a]b.c[0].rules[0].to")]
    [InlineData("rulesets:\n  - name: r\n    rules: []", "f:2:5 no-scope rulesets[r].scopes")]
    [InlineData("rulesets:\n  - name: r\n    scopes: [{selector: all}]\n    rules:\n      - {to: all, services: [any]}", "f:5:9 empty-selector rulesets[r].rules[0].from")]
    [InlineData("assertions:\n  - name: a\n    never: {from: all, to: all, services: [x]}", "f:3:44 unknown-service assertions[a].never.services[0]")]
    [InlineData("plans:\n  - {selector: all, networks: [x]}", "f:2:32 unknown-network plans[0].networks[0]")]
    // Nothing is said of what is told already.
    [InlineData("rulesets:\n  - name: r\n    scopes: [{selectr: all}]\n    rules:\n      - {form: all, to: all, services: tcp/1}\n      - {from: env=, to: all, services: [any]}", "f:3:15 unknown-name rulesets[0].scopes[0].selectr; f:5:10 unknown-name rulesets[0].rules[0].form; f:5:40 bad-form rulesets[0].rules[0].services; f:6:16 bad-label-value rulesets[r].rules[1].from")]
    [InlineData("servces: []\nplans:\n  - {selector: all, networks: []}\nassertions:\n  - name: a\n    never: {from: all, to: all, services: [x]}", "f:1:1 unknown-name servces; f:3:31 no-networks plans[0].networks")]
    public void Every_problem_is_told_once_at_its_place(string text, string problems)
    {
        var (model, found) = PolicyFolder.Read([new("f", text)]).Check(Keys);
        Assert.Null(model);
        var expected = problems.Split("; ");
        Assert.Equal(expected.Length, found.Count);
        Assert.All(found.Zip(expected), pair => Assert.Contains(pair.Second, $"{$"{pair.First.At} {pair.First.Found.Code} {pair.First.Found.Path}".TrimEnd()}: {pair.First.Found.Message}", StringComparison.Ordinal));
    }

    [Fact]
    public void Problems_of_several_files_are_told_together_and_duplicates_name_both_places()
    {
        const string One = "services: [{name: s, ports: [tcp/1]}]";
        var (_, problems) = PolicyFolder.Read([new("b.yaml", $"{One}\nmodes:\n  - {{selector: all, inbound: x}}"), new("a.yaml", One), new("c.yaml", "services:\n  - {name: s, ports: [x]}")]).Check(Keys);
        Assert.Equal(
            ["b.yaml:1:19 duplicate-name", "b.yaml:3:30 bad-mode", "c.yaml:2:12 duplicate-name"],
            problems.Select(p => $"{p.At} {p.Found.Code}"));
        Assert.Contains("a.yaml:1:19", problems[0].Found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_file_that_cannot_be_read_may_declare_is_not_missed()
    {
        var (_, problems) = PolicyFolder.Read([new("a.yaml", "services: ["), new("b.yaml", Shop.Replace("role=web, to", "role=, to", StringComparison.Ordinal))]).Check(Keys);
        Assert.Equal(["a.yaml bad-yaml", "b.yaml bad-label-value"], problems.Select(p => $"{p.At.File} {p.Found.Code}"));
    }

    [Theory]
    [InlineData(26, "too-deep")]
    [InlineData(100_000, "too-deep")]
    public void Deep_nesting_is_refused(int depth, string code) =>
        Assert.Equal(code, Assert.Single(PolicyFolder.Read([new("f", new string('[', depth))]).Check(Keys).Problems).Found.Code);

    [Fact]
    public void JSON_is_read_too()
    {
        var folder = PolicyFolder.Read([new("f.json", "{\n\t\"services\": [{\"name\": \"a\\u0062\", \"ports\": [\"tcp/1\"]}]\n}")]);
        Assert.Empty(folder.Check(Keys).Problems);
        Assert.Equal("ab", folder.Document.Services[0].Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing yet\n")]
    [InlineData("---\n")]
    public void An_empty_file_is_an_empty_policy(string text)
    {
        var folder = PolicyFolder.Read([new("f", text)]);
        Assert.Empty(folder.Check(Keys).Problems);
        Assert.Equal(PolicyJson.Canonical(new()), PolicyJson.Canonical(folder.Document));
    }
}
