using System.Text;
using Bulkhead.Policy;
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
    [InlineData("a: [", "f:1:4 bad-yaml")]
    [InlineData("a: 'x", "bad-yaml")]
    [InlineData("modes: &x []\nplans: *x\nfailSafe: !!binary abc\nservices: !a [&b {name: s}]", "f:1:8 alias; f:2:8 alias; f:3:11 tag; f:4:11 tag; f:4:15 alias")]
    [InlineData("modes: [{selector: *x, inbound: !!str full, outbound: loud}]", "f:1:20 alias; f:1:33 tag; f:1:55 bad-mode modes[0].outbound")]
    [InlineData("modes: [{selector: all, *x : y}]", "f:1:25 alias")]
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
    // What is wrong with one part hides nothing of the others.
    [InlineData("networks:\n- {name: office, addresses: [192.0.2.0/24]}\n- {name: office, addresses: [x]}\n- {name: good, addresses: [192.0.2.0/24]}\n- {name: bad/name, addresses: [y]}", "f:3:10 duplicate-name; f:3:30 bad-address networks[1].addresses[0]; f:5:10 bad-name networks[3].name; f:5:32 bad-address networks[bad/name].addresses[0]")]
    [InlineData("networks:\n- {name: '1', addresses: [192.0.2.0/24]}\n- {name: ' ', addresses: [x]}", "f:3:10 bad-name networks[01].name; f:3:27 bad-address networks[01].addresses[0]")]
    [InlineData("rulesets:\n- {name: r, scopes: [{selector: all}]}\n- name: r\n  scopes: []\n  rules: [{from: env=, to: all, services: [any]}]\n- {name: s/, scopes: [{selector: all}]}", "f:3:9 duplicate-name; f:4:11 no-scope rulesets[1].scopes; f:5:18 bad-label-value rulesets[1].rules[0].from; f:6:10 bad-name rulesets[2].name")]
    [InlineData("labelGroups:\n- {name: g, key: env, values: [a]}\n- {name: g, key: evn, values: [a]}\nassertions:\n- {name: a, never: {from: all, to: all}}\n- {name: a}\n- {must: {from: all, to: x}}", "f:3:10 duplicate-name; f:3:18 unknown-label-key labelGroups[1].key; f:6:3 bad-assertion assertions[1]; f:6:10 duplicate-name; f:7:3 bad-name assertions[2].name; f:7:26 bad-selector assertions[2].must.to")]
    [InlineData("networks: [{name: n, adresses: [192.0.2.0/24]}]\nrulesets:\n- name: r\n  scopes: [{selector: all}]\n  rules: [{from: network:m, to: all, services: [x], owmer: ann}]", "f:1:22 unknown-name; f:5:18 unknown-network; f:5:49 unknown-service; f:5:53 unknown-name")]
    [InlineData("networks: [{nmae: n}]\nrulesets:\n- name: r\n  scopes: [{selector: all}]\n  rules: [{from: network:m, to: all, services: [x]}]", "f:1:13 unknown-name; f:5:49 unknown-service")]
    [InlineData("services: {}\nmodes: [{selector: all, mode: full, mode: full}]\nrulesets:\n- name: r\n  scopes: [{selector: all}]\n  rules: [{from: network:m, to: all, services: [x]}]", "f:1:11 bad-form; f:2:37 duplicate-key; f:6:18 unknown-network")]
    [InlineData("rulesets:\n- name: r\n  scopes: [{selector: env=prod}]\n  rules:\n  - {from: env=prod, to: role=, services: [x], action: loud, id: -5}\n  - {from: all, to: all, services: [any], id: 9223372036854775807}\n  - {from: all, to: all, services: [any]}", "f:5:12 repeats-scope-key; f:5:26 bad-label-value; f:5:44 unknown-service; f:5:56 bad-action; f:5:66 bad-rule-id; f:6:47 bad-rule-id")]
    // The line that has to be mended.
    [InlineData("modes:\n  - selector: all\n    inbound: full\nservices:\n\t- name: x\n", "f:5:1 bad-yaml")]
    [InlineData("modes:\n  - selector: all\n    inbound: full\n \toutbound: full\n", "f:4:2 bad-yaml")]
    [InlineData("rulesets:\n  - description: |\n      a\n      \tb\n    name: a: b", "f:5:12 bad-yaml")]
    [InlineData("services: [\nmodes:\n  - selector: all\n", "f:1:11 bad-yaml: This is not YAML: what begins here with a bracket")]
    [InlineData("services:\n  - name: a\n    ports: [tcp/1, tcp/2\n  - name: b\n    ports: [tcp/3]\n", "f:3:12 bad-yaml")]
    [InlineData("services:\n  - {name: a, ports: [tcp/1]\n  - {name: b}\n", "f:2:5 bad-yaml")]
    [InlineData("services: [{name: a, ports: [tcp/1}]", "f:1:29 bad-yaml")]
    [InlineData("services: [a, 'b]\nmodes: []", "f:1:15 bad-yaml")]
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
            ["b.yaml:1:19 duplicate-name", "b.yaml:3:30 bad-mode", "c.yaml:2:12 duplicate-name", "c.yaml:2:23 bad-port"],
            problems.Select(p => $"{p.At} {p.Found.Code}"));
        Assert.Contains("a.yaml:1:19", problems[0].Found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_file_that_cannot_be_read_may_declare_is_not_missed()
    {
        var (_, problems) = PolicyFolder.Read([new("a.yaml", "services: ["), new("b.yaml", Shop.Replace("role=web, to", "role=, to", StringComparison.Ordinal))]).Check(Keys);
        Assert.Equal(["a.yaml bad-yaml", "b.yaml bad-label-value"], problems.Select(p => $"{p.At.File} {p.Found.Code}"));
    }

    [Fact]
    public void A_file_that_is_no_text_hides_no_others()
    {
        byte[][] bytes = [[.. "modes: []\n# "u8, 0xc3, 0x28], [0xff, 0xfe, .. Encoding.Unicode.GetBytes("modes: []")], Encoding.Unicode.GetBytes("modes: []"), [0xef, 0xbb, 0xbf, .. "modes: [{selector: all, inbound: x}]"u8]];
        var files = bytes.Select((content, i) => SourceFile.Of($"{i}", content)).Append(SourceFile.TooLarge("4"));
        Assert.Equal(
            ["0:2:3 not-utf-8", "1:1:1 not-utf-8", "2:1:1 not-utf-8", "3:1:34 bad-mode", "4:1:1 too-large"],
            PolicyFolder.Read(files).Check(Keys).Problems.Select(p => $"{p.At} {p.Found.Code}"));
        Assert.All(files.Where(file => file.Unreadable is not null), file => Assert.Null(Formatter.Format(file).Text));
    }

    [Fact]
    public void What_does_nothing_is_said_at_its_place()
    {
        var (model, problems) = PolicyFolder.Read([new("f", """
            networks:
              - { name: n, addresses: [192.0.2.0/24], exclude: [192.0.2.7, 198.51.100.0/30] }
            modes:
              - { selector: "env=prod|dev", mode: full }
              - { selector: "env=dev|prod", inbound: selective }
            rulesets:
              - name: r
                scopes: [{ selector: all }]
                rules:
                  - { from: all, to: all, services: [any], consumer: best-effort, whereUnenforceable: skip }
                  - { from: all, to: all, services: [any], action: deny, users: [ops], consumer: best-effort, unidentified: match, whereUnenforceable: skip }
                  - { from: all, to: all, services: [any], action: deny, unidentified: match, whereUnenforceable: skip }
            """)]).Check(Keys);
        Assert.NotNull(model);
        Assert.Equal(
            ["f:2:64 excludes-nothing", "f:5:5 repeated-mode", "f:10:58 without-effect", "f:10:91 without-effect", "f:11:86 without-effect", "f:12:76 without-effect", "f:12:103 without-effect"],
            problems.Select(p => $"{p.At} {p.Found.Code}"));
        Assert.All(problems, p => Assert.Equal(Severity.Warning, p.Found.Severity));
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
