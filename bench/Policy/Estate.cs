using Bulkhead.Bench.Harness;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Bench.Policy;

/// <summary>A made-up organisation: its workloads, and a policy as people would write it. Equal shapes make equal estates.</summary>
internal sealed class Estate
{
    private Estate(EstateShape shape)
    {
        var random = new Random(shape.Seed);
        EstateApp[] apps = [.. Enumerable.Range(0, shape.Apps).Select(i => EstateApp.Draw(i, random))];
        Shape = shape;
        Draw = new(shape, apps, random);
        Workloads = Draw.Make();

        // The policy has a stream of its own, so that dense and sparse estates of one seed are under one policy.
        var services = EstateNames.DrawServices(random = new(shape.Seed + 1));
        var processServices = EstateNames.DrawProcessServices(random);
        var networks = EstateNames.DrawNetworks(random);
        Rules = new(shape, apps, Draw, [.. services.Select(s => s.Name)], [.. processServices.Select(s => s.Name)], [.. networks.Select(n => n.Name)], random);
        Document = new()
        {
            Services = [.. services, .. processServices],
            Networks = [.. networks, new() { Name = "bastion", Addresses = ["192.0.2.0/28", "2001:db8:bad::/64"] }, new() { Name = PolicyParser.RespondersNetwork, Addresses = ["192.0.2.128/28"] }],
            Rulesets = MakeRulesets(shape.Rules),
            Modes =
            [
                new() { Selector = "env=prod", Inbound = "full", Outbound = "full" },
                new() { Selector = "env=staging", Inbound = "full", Outbound = "selective" },
                new() { Selector = "env=test", Inbound = "selective", Outbound = "selective" },
            ],
            FailSafe = [new() { Network = "bastion", Ports = ["tcp/22"] }],
        };
    }

    /// <summary>When the policy is compiled; no rule has expired by then.</summary>
    public static DateTimeOffset Now { get; } = new(2027, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>What it is compiled with.</summary>
    public static CompileSettings Settings { get; } = new(new(1, 1), Now, []);

    /// <summary>The label keys: the built-in ones and two of the operator's.</summary>
    public static IReadOnlySet<string> LabelKeys { get; } = LabelText.BuiltInKeys.Concat(["owner", "cluster"]).ToHashSet(StringComparer.Ordinal);

    /// <summary>What was asked for.</summary>
    public EstateShape Shape { get; }

    /// <summary>Draws further workloads of the same kind.</summary>
    public EstateWorkloads Draw { get; }

    /// <summary>Draws further rules of the same kind.</summary>
    public EstateRules Rules { get; }

    /// <summary>The workloads.</summary>
    public IReadOnlyList<Workload> Workloads { get; }

    /// <summary>The policy as text.</summary>
    public PolicyDocument Document { get; }

    /// <summary>Makes an estate.</summary>
    public static Estate Make(EstateShape shape) => new(shape);

    /// <summary>Checks a policy, which must be without errors; what is unchanged since a previous one is not looked at again.</summary>
    public static ParsedPolicy Parse(PolicyDocument document, ParsedPolicy? previous = null)
    {
        var parsed = PolicyParser.Parse(document, LabelKeys, previous);
        return parsed.Value is { } model
            ? new(document, LabelKeys, model)
            : throw new BenchException($"the estate's policy is refused: {string.Join(" ", parsed.Diagnostics.Take(3).Select(d => $"{d.Path}: {d.Message}"))}");
    }

    private List<RulesetDocument> MakeRulesets(int count)
    {
        var rules = Rules.Places.ToDictionary(place => place.Name, _ => new List<RuleDocument>(), StringComparer.Ordinal);
        for (var n = 0; n < count; n++)
        {
            var place = Rules.DrawPlace(EstateRules.ClassOf(n));
            rules[place.Name].Add(Rules.Draw(EstateRules.ClassOf(n), place, n + 1));
        }

        return [.. Rules.Places.Select(place => new RulesetDocument { Name = place.Name, Scopes = [place.Scope], Rules = rules[place.Name] })];
    }
}
