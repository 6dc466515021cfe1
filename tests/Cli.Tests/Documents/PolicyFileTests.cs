using Bulkhead.Cli.Documents;
using Bulkhead.Policy.Documents;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Tests.Documents;

public sealed class PolicyFileTests : IDisposable
{
    private const string Storefront = """
        name: storefront-prod
        description: the shop
        scopes:
          - selector: app=storefront,env=prod
            per: [app, env]
        rules:
          - {id: 7, from: role=web, to: role=app, services: [tcp/8080], owner: shop, fromProcess: {unit: nginx.service}, expires: 2027-01-01T00:00:00Z}
          - from: network:office
            to: role=web
            services: [https]
            within: to
        """;

    private readonly Session _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public void Reads_one_object_a_list_of_them_or_a_policy_alike()
    {
        var one = Rulesets(Storefront);
        Assert.Equal(Canonical(one), Canonical(Rulesets($"- {Storefront.ReplaceLineEndings("\n").Replace("\n", "\n  ", StringComparison.Ordinal)}")));
        Assert.Equal(Canonical(one), Canonical(Rulesets(Formatter.Write(one))));
        Assert.Equal(Canonical(one), Canonical(Rulesets(PolicyFile.WriteJson(one))));
    }

    [Fact]
    public void Reads_every_field_and_leaves_the_usual_where_there_is_none()
    {
        var rules = Rulesets(Storefront).Rulesets.Single().Rules;
        Assert.Equal((7, "allow", "both", "strict", "shop"), (rules[0].Id, rules[0].Action, rules[0].Within, rules[0].Consumer, rules[0].Owner));
        Assert.Equal(new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero), rules[0].Expires);
        Assert.Equal(new ProcessDocument { Unit = "nginx.service" }, rules[0].FromProcess);
        Assert.Equal("to", rules[1].Within);
        Assert.Empty(rules[1].Users);
    }

    [Fact]
    public void Several_files_are_one_policy()
    {
        var first = _session.File("a.yaml", "services: [{name: https, ports: [tcp/443]}]");
        var second = _session.File("b.json", "{\n\t\"networks\": [{\"name\": \"office\", \"addresses\": [\"192.0.2.0/24\"]}]\n}");
        var policy = PolicyFile.Read([first, second]).Document;
        Assert.Equal("https", policy.Services.Single().Name);
        Assert.Equal(["192.0.2.0/24"], policy.Networks.Single().Addresses);
    }

    [Theory]
    [InlineData("nme: x", "1:1 rulesets[0].nme: unknown-name")]
    [InlineData("name: x\nrules: [{form: all, id: many, services: tcp/1, expires: soon, owner: ~, to: ~}, 7]", "2:10 rulesets[0].rules[0].form: unknown-name; 2:25 rulesets[0].rules[0].id: bad-number; 2:41 rulesets[0].rules[0].services: bad-form; 2:57 rulesets[0].rules[0].expires: bad-time; 2:77 rulesets[0].rules[0].to: no-value; 2:81 rulesets[0].rules[1]: bad-form")]
    [InlineData("rulesets: []\nmodes: [{selector: all}]", "2:1 modes: other-section")]
    [InlineData("name: [x]", "1:7 rulesets[0].name: bad-form")]
    [InlineData("name: x\nname: y", "2:1 name: duplicate-key")]
    [InlineData("a: [", "bad-yaml")]
    [InlineData("", "1:1: empty-file")]
    public void Says_every_place_where_the_form_is_wrong(string text, string problems)
    {
        var failure = Assert.Throws<Failure>(() => Rulesets(text));
        var found = string.Join("; ", failure.Diagnostics.Select(problem => $"{problem.Path[(problem.Path.IndexOf("file.yaml:", StringComparison.Ordinal) + 10)..]}: {problem.Code}"));
        Assert.EndsWith(problems, found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validates_files_without_a_controller()
    {
        var good = _session.File("good.yaml", $"services: [{{name: https, ports: [tcp/443]}}]\nnetworks: [{{name: office, addresses: [192.0.2.0/24]}}]\nrulesets:\n  - {Storefront.ReplaceLineEndings("\n").Replace("\n", "\n    ", StringComparison.Ordinal)}\n");
        (await _session.RunAsync("policy", "validate", good)).Expect(ExitCode.Ok);

        var bad = _session.File("bad.yaml", "networks: [{name: lan, addresses: [192.0.2.1/24]}]\nmodes: [{selector: team=x, inbound: ful}]");
        var refused = (await _session.RunAsync("policy", "validate", good, bad)).Expect(ExitCode.Refused);
        Assert.All(["networks[lan]", "unknown-label-key", "modes[0].inbound"], said => Assert.Contains(said, refused.Error, StringComparison.Ordinal));
        var known = (await _session.RunAsync("policy", "validate", bad, "--label-key", "team", "--output", "json")).Expect(ExitCode.Refused);
        Assert.DoesNotContain("unknown-label-key", known.Output, StringComparison.Ordinal);
    }

    private static byte[] Canonical(PolicyDocument policy) => PolicyJson.Canonical(policy);

    private PolicyDocument Rulesets(string text) => PolicyFile.Read([_session.File("file.yaml", text)], PolicySections.Rulesets).Document;
}
