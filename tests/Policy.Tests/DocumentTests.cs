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
                "ruleset a removed: ",
                "ruleset b changed: rule 1 removed: deny all to all on any; rule (new) added: allow role=x to role=y on any; rule 2: owner changed from 'ann' to 'bob'",
                "service s changed: ports changed from [\"tcp/1\"] to [\"tcp/2\"]",
                "modes  changed: removed all: inbound full, outbound full",
            ],
            PolicyDiff.Diff(before, after).Select(c => $"{c.Kind} {c.Name} {c.Change}: {string.Join("; ", c.Details)}"));
        Assert.Empty(PolicyDiff.Diff(before, PolicyJson.Sort(before)));
    }
}
