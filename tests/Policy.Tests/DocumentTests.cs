using System.Text;
using System.Text.Json;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Policy.Tests;

public class DocumentTests
{
    private static PolicyDocument Sample() => new World()
        .Ruleset("b", "all", Write.Allow("role=web", "role=db", "tcp/3306") with { Id = 2, Owner = "ann" }, Write.Deny("all", "all", "any") with { Id = 1 })
        .Ruleset("a", "env=prod").Service("s", null, "tcp/1").Network("n", "192.0.2.0/24").Modes("all", "full", "full").Document;

    [Fact]
    public void Canonical_bytes_ignore_order_and_round_trip()
    {
        var document = Sample();
        var reversed = document with { Rulesets = [.. document.Rulesets.Reverse().Select(r => r with { Rules = [.. r.Rules.Reverse()] })] };
        var bytes = PolicyJson.Canonical(document);
        Assert.Equal(Encoding.UTF8.GetString(bytes), Encoding.UTF8.GetString(PolicyJson.Canonical(reversed)));
        Assert.Equal(bytes, PolicyJson.Canonical(JsonSerializer.Deserialize(bytes, PolicyJson.Default.PolicyDocument)!));
    }

    [Fact]
    public void Unknown_properties_are_refused() =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize("{\"rulesetz\":[]}", PolicyJson.Default.PolicyDocument));

    [Fact]
    public void What_earlier_versions_stored_is_read()
    {
        var read = JsonSerializer.Deserialize("""{"rulesets":[],"services":[],"networks":[{"name":"n","addresses":[],"exclude":[]}],"modes":[],"failSafe":[]}""", PolicyJson.Default.PolicyDocument)!;
        Assert.Empty(read.LabelGroups);
        Assert.Empty(read.Plans);
        Assert.Empty(read.Assertions);
        Assert.Empty(read.Networks[0].Fqdn);
    }

    [Theory]
    [InlineData("full", "visibility", "visibility", "full", "full")]
    [InlineData("selective", "full", "visibility", "full", "selective")]
    [InlineData(null, "full", "selective", "full", "selective")]
    [InlineData("visibility", "visibility", "visibility", "visibility", "visibility")]
    public void A_mode_for_both_directions_says_what_the_two_written_out_say(string? mode, string inbound, string outbound, string toInbound, string toOutbound)
    {
        var short_ = new PolicyDocument { Modes = [new() { Selector = "all", Mode = mode, Inbound = inbound, Outbound = outbound }] };
        var long_ = new World().Modes("all", toInbound, toOutbound).Document;
        Assert.Equal(PolicyParser.Parse(long_, World.Keys).Value, PolicyParser.Parse(short_, World.Keys).Value);
        Assert.Equal(PolicyJson.Canonical(long_), PolicyJson.Canonical(short_));
        Assert.Empty(PolicyDiff.Diff(long_, short_));
        Assert.Equal("modes[0].mode", Assert.Single(PolicyParser.Parse(new() { Modes = [short_.Modes[0] with { Mode = "loud" }] }, World.Keys).Diagnostics).Path);
    }

    [Fact]
    public void A_diff_names_what_changed()
    {
        var before = Sample();
        var ruleset = before.Rulesets[0];
        var after = before with
        {
            Rulesets = [ruleset with { Rules = [ruleset.Rules[0] with { Owner = "bob" }, Write.Allow("role=x", "role=y", "any")] }],
            Services = [before.Services[0] with { Ports = ["tcp/2"] }],
            Modes = [],
        };
        Assert.Equal(
            [
                "ruleset a removed: scopes [{\"selector\":\"env=prod\",\"per\":[]}]",
                "ruleset b changed: rule 1 removed: deny all to all on any; rule (new) added: allow role=x to role=y on any; rule 2: owner changed from 'ann' to 'bob'",
                "service s changed: ports changed from [\"tcp/1\"] to [\"tcp/2\"]",
                "modes  changed: removed all: inbound full, outbound full",
            ],
            PolicyDiff.Diff(before, after).Select(c => $"{c.Kind} {c.Name} {c.Change}: {string.Join("; ", c.Details)}"));
        Assert.Empty(PolicyDiff.Diff(before, PolicyJson.Sort(before)));
    }

    [Fact]
    public void Of_what_is_added_or_removed_a_diff_says_all()
    {
        var expires = new DateTimeOffset(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);
        var rule = Write.Allow("role=web", "role=db", "tcp/3306", "s") with
        {
            Within = "to", Consumer = "best-effort", Unidentified = "match", WhereUnenforceable = "skip", Expires = expires,
            FromProcess = new() { Path = "/bin/curl", Unit = "web.service" }, Users = ["ops", "dev"],
        };
        var policy = new PolicyDocument
        {
            Rulesets = [new() { Name = "r", Scopes = [new() { Selector = "all", Per = ["env"] }], Rules = [rule, Write.Deny("all", "all", "any") with { Id = 7 }] }],
            Services = [new() { Name = "s", Ports = ["udp/53"], Process = new() { Unit = "dns.service" }, Stateless = true }],
            Networks = [new() { Name = "n", Addresses = ["192.0.2.0/24"], Fqdn = ["a.example"] }],
            LabelGroups = [new() { Name = "g", Key = "env", Values = ["dev"] }],
            FailSafe = [new() { Network = "n", Ports = ["tcp/22"] }],
            Assertions = [new() { Name = "a", Never = new() { From = "env=dev", To = "env=prod" } }],
        };
        string[] said =
        [
            """scopes [{"selector":"all","per":["env"]}]""",
            "rule (new): allow role=web to role=db on tcp/3306, s from /bin/curl of web.service for users in ops or dev; within: to; consumer: best-effort; unidentified: match; whereUnenforceable: skip; expires: 2026-12-01 00:00:00Z",
            "rule 7: deny all to all on any",
            """ports ["udp/53"]""",
            """process {"unit":"dns.service"}""",
            "stateless true",
            """addresses ["192.0.2.0/24"]""",
            """fqdn ["a.example"]""",
            "key 'env'",
            """values ["dev"]""",
            "n on tcp/22",
            """never {"from":"env=dev","to":"env=prod","services":["any"],"users":[]}""",
            "helpers 'count'",
        ];
        foreach (var (change, before, after) in new[] { ("added", new PolicyDocument(), policy), ("removed", policy, new()) })
        {
            var diff = PolicyDiff.Diff(before, after);
            Assert.Equal(said, diff.SelectMany(c => c.Details).Select(detail => detail.Replace($"{change} n on", "n on", StringComparison.Ordinal)));
            Assert.All(diff.Where(c => c.Name.Length > 0), c => Assert.Equal(change, c.Change));
        }
    }
}
