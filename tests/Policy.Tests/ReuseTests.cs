using Bulkhead.Policy.Documents;

namespace Bulkhead.Policy.Tests;

/// <summary>Parsing after an edit gives what parsing everything gives.</summary>
public class ReuseTests
{
    private static readonly string[] Ends = ["role=web", "role=db", "role!=@g", "network:n", "env=@g", "tier=gold", "env=dev,env!=dev", "all"];
    private static readonly string[] Scopes = ["app=a", "app=b", "all", "tier=x"];
    private static readonly string[] Services = ["s", "tcp/80", "any", "t"];

    [Fact]
    public void Unchanged_rulesets_stay_the_same_objects()
    {
        var before = new World().Service("s", null, "tcp/1").Ruleset("a", "app=a", Write.Allow("role=web", "role=db", "s") with { Id = 1 }).Ruleset("b", "app=b", Write.Allow("all", "all", "any") with { Id = 2 }).Ruleset("c", "app=b", Write.Allow("all", "all", "any")).Document;
        var parsed = new ParsedPolicy(before, World.Keys, PolicyParser.Parse(before, World.Keys).Value!);
        var after = before with { Rulesets = [before.Rulesets[0], before.Rulesets[1] with { Description = "new" }, before.Rulesets[2]] };
        var model = PolicyParser.Parse(after, World.Keys, parsed).Value!;
        Assert.Same(parsed.Model.Rulesets[0], model.Rulesets[0]);
        Assert.NotSame(parsed.Model.Rulesets[1], model.Rulesets[1]);
        Assert.NotSame(parsed.Model.Rulesets[2], model.Rulesets[2]);
        var services = after with { Services = [after.Services[0] with { Ports = ["tcp/2"] }] };
        Assert.Equal("tcp/2", PolicyParser.Parse(services, World.Keys, parsed).Value!.Rulesets[0].Rules[0].Services[0].Ports[0].ToString());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Whatever_is_edited_the_result_is_that_of_parsing_everything(int seed)
    {
        var random = new Random(seed);
        var document = new World().Service("s", null, "tcp/1").Network("n", "192.0.2.0/24").Document with { LabelGroups = [new() { Name = "g", Key = "env", Values = ["dev"] }] };
        IReadOnlySet<string> keys = World.Keys;
        ParsedPolicy? previous = null;
        var (right, wrong) = (0, 0);
        for (var step = 0; step < 400; step++)
        {
            (document, keys) = Edit(random, previous?.Document ?? document, keys);
            var whole = PolicyParser.Parse(document, keys);
            var quick = PolicyParser.Parse(document, keys, previous);
            Assert.Equal(whole.Diagnostics, quick.Diagnostics);
            Assert.Equal(whole.Value, quick.Value);
            previous = quick.Value is { } model ? new(document, keys, model) : previous;
            (right, wrong) = quick.Ok ? (right + 1, wrong) : (right, wrong + 1);
        }

        Assert.True(right > 50 && wrong > 50, $"{right} right, {wrong} wrong");
    }

    private static (PolicyDocument Document, IReadOnlySet<string> Keys) Edit(Random random, PolicyDocument document, IReadOnlySet<string> keys)
    {
        for (var edits = random.Next(1, 3); edits > 0; edits--)
        {
            var at = random.Next(document.Rulesets.Count + 1);
            switch (random.Next(10))
            {
                case 0:
                    document = document with { Services = [new() { Name = "s", Ports = [Pick(random, "tcp/1", "udp/2")] }] };
                    break;
                case 1:
                    document = document with { LabelGroups = [new() { Name = "g", Key = Pick(random, "env", "role"), Values = [Pick(random, "dev", "qa")] }] };
                    break;
                case 2:
                    keys = random.Next(2) == 0 ? World.Keys : new HashSet<string>(World.Keys) { "tier" };
                    break;
                case 3:
                    document = document with { Rulesets = [.. document.Rulesets.Where((_, i) => i != at)] };
                    break;
                case 4 when at < document.Rulesets.Count:
                    document = document with { Rulesets = [.. document.Rulesets.Select((r, i) => i == at ? r with { Name = $"r{random.Next(8)}" } : r)] };
                    break;
                case 5:
                    document = document with { Rulesets = [.. document.Rulesets.Reverse()] };
                    break;
                default:
                    document = document with { Rulesets = [.. document.Rulesets.Take(at), New(random), .. document.Rulesets.Skip(at + (document.Rulesets.Count > 6 ? 1 : 0))] };
                    break;
            }
        }

        return (document, keys);
    }

    private static RulesetDocument New(Random random) => new()
    {
        Name = $"r{random.Next(1000)}",
        Scopes = [new() { Selector = Pick(random, Scopes) }],
        Rules = [.. Enumerable.Range(0, random.Next(4)).Select(_ => Write.Allow(Pick(random, Ends), Pick(random, Ends), Pick(random, Services)) with { Id = random.Next(3) == 0 ? 0 : random.Next(1, 2000) })],
    };

    private static string Pick(Random random, params string[] from) => from[random.Next(random.Next(3) == 0 ? from.Length : Math.Min(2, from.Length))];
}
