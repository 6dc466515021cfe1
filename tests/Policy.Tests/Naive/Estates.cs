using System.Globalization;
using Bulkhead.Policy.Documents;
using FsCheck;
using FsCheck.Fluent;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>Checks what holds of every estate, and makes one of which it does not hold as small as it goes.</summary>
internal static class Estates
{
    private const ulong UsualSeed = 2026;

    /// <summary>
    /// Checks a property of random estates, the same in every run unless <c>BULKHEAD_SEED</c> names another seed, and <c>BULKHEAD_RUNS</c> times as many;
    /// the property gets a source of randomness that is an estate's own.
    /// </summary>
    public static void Check(int count, Action<Estate, Random> property)
    {
        var estates = Gen.Choose(0, int.MaxValue - 1).Select(seed => (Seed: seed, Estate: RandomEstates.Make(new Random(seed))));
        var arbitrary = Arb.From(estates, sample => Smaller(sample.Estate).Select(smaller => (sample.Seed, smaller)));
        FsCheck.Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(count * (int)Setting("BULKHEAD_RUNS", 1)).WithReplay(Setting("BULKHEAD_SEED", UsualSeed), 11),
            Prop.ForAll(arbitrary, sample => property(sample.Estate, new Random(sample.Seed))));
    }

    private static ulong Setting(string name, ulong usual) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : usual;

    private static IEnumerable<Estate> Smaller(Estate estate)
    {
        var document = estate.Document;
        return
        [
            .. Without(estate.Workloads).Select(workloads => estate with { Workloads = workloads }),
            .. Without(document.Rulesets).Select(rulesets => estate with { Document = document with { Rulesets = rulesets } }),
            .. Each(document.Rulesets, Smaller).Select(rulesets => estate with { Document = document with { Rulesets = rulesets } }),
            .. Without(document.Modes).Select(modes => estate with { Document = document with { Modes = modes } }),
            .. Without(document.FailSafe).Select(failSafe => estate with { Document = document with { FailSafe = failSafe } }),
            .. Each(estate.Workloads, w => Without([.. w.Published]).Select(p => w with { Published = p.ToEquatableArray() })).Select(workloads => estate with { Workloads = workloads }),
            .. Each(estate.Workloads, w => Without([.. w.Sources]).Select(s => w with { Sources = s.ToEquatableArray() })).Select(workloads => estate with { Workloads = workloads }),
            .. Each(estate.Workloads, w => w.Addresses.Count > 1 ? Without([.. w.Addresses]).Select(a => w with { Addresses = a.ToEquatableArray() }) : []).Select(workloads => estate with { Workloads = workloads }),
        ];
    }

    private static IEnumerable<RulesetDocument> Smaller(RulesetDocument ruleset) =>
    [
        .. Without(ruleset.Rules).Select(rules => ruleset with { Rules = rules }),
        .. ruleset.Scopes.Count > 1 ? Without(ruleset.Scopes).Select(scopes => ruleset with { Scopes = scopes }) : [],
        .. Each(ruleset.Rules, rule => rule.Services.Count > 1 ? Without(rule.Services).Select(services => rule with { Services = services }) : []).Select(rules => ruleset with { Rules = rules }),
    ];

    private static IEnumerable<IReadOnlyList<T>> Without<T>(IReadOnlyList<T> items) =>
        items.Select((_, i) => (IReadOnlyList<T>)[.. items.Where((_, j) => j != i)]);

    private static IEnumerable<IReadOnlyList<T>> Each<T>(IReadOnlyList<T> items, Func<T, IEnumerable<T>> smaller) =>
        items.SelectMany((item, i) => smaller(item).Select(s => (IReadOnlyList<T>)[.. items.Select((other, j) => j == i ? s : other)]));
}
