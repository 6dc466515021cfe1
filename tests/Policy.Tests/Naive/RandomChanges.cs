using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>One change at a time of an estate: of its workloads, its policy, or the time.</summary>
internal static class RandomChanges
{
    private delegate Estate Edit(Random random, Estate estate);

    private static readonly (string Name, Edit Edit)[] _edits =
    [
        ("workload added", AddWorkload),
        ("workload removed", (random, estate) => estate with { Workloads = Less(random, estate.Workloads) }),
        ("relabelled", Workload((random, w) => w with { Labels = RandomEstates.Labels(random) })),
        ("relabelled", Workload((random, w) => w with { Labels = RandomEstates.Labels(random) })),
        ("re-addressed", Workload((random, w) => w with { Addresses = RandomEstates.Workload(random, random.Next(10, 20)).Addresses.Where(a => a.Space == w.Space).ToEquatableArray() })),
        ("address handed over", HandOver),
        ("quarantine", Workload((_, w) => w with { Quarantined = !w.Quarantined })),
        ("features", Workload((random, w) => w with { Features = w.Managed ? RandomEstates.FeaturesOf(random) : [] })),
        ("pin", Workload((random, w) => w with { Pin = w.Pin is null ? new(random.Pick(Enum.GetValues<Rules.EnforcementMode>()), Rules.EnforcementMode.Full) : null })),
        ("admitted", Workload((_, w) => w with { Admitted = !w.Admitted })),
        ("managed", Workload((random, w) => w with { Managed = !w.Managed, Features = w.Managed ? [] : RandomEstates.FeaturesOf(random) })),
        ("published", Workload((random, w) => w with { Published = w.Published.Count > 0 && random.Next(2) == 0 ? [] : RandomTranslations.Published(random) })),
        ("published", Workload((random, w) => w with { Published = w.Published.Count > 0 ? [] : RandomTranslations.Published(random) })),
        ("sources", Workload((random, w) => w with { Sources = w.Sources.Count > 0 && random.Next(2) == 0 ? [] : RandomTranslations.Sources(random) })),
        ("renamed", Workload((random, w) => w with { Name = $"renamed-{random.Next(100)}" })),
        ("rule added", AddRule),
        ("rule removed", Ruleset((random, r) => r with { Rules = Less(random, r.Rules) })),
        ("rule edited", EditRule),
        ("ruleset added", (random, estate) => Policy(estate, d => d with { Rulesets = [.. d.Rulesets, NewRuleset(random, d)] })),
        ("ruleset removed", (random, estate) => Policy(estate, d => d with { Rulesets = Less(random, d.Rulesets) })),
        ("scope edited", EditScope),
        ("group edited", Vocabulary(d => d.LabelGroups, (d, groups) => d with { LabelGroups = groups }, (random, g) => g with { Values = Toggled(g.Values, random.Pick(g.Key == "role" ? ["db"] : g.Key == "app" ? ["z"] : new[] { "prod" })) })),
        ("network edited", Vocabulary(d => d.Networks, (d, networks) => d with { Networks = networks }, (random, n) => n with { Exclude = Toggled(n.Exclude, random.Pick("10.0.0.3", "fd00::4", "192.0.2.7")) })),
        ("service edited", Vocabulary(d => d.Services, (d, services) => d with { Services = services }, (_, s) => s with { Ports = Toggled(s.Ports, "tcp/85") })),
        ("modes", (random, estate) => Policy(estate, d => d with { Modes = random.Next(2) == 0 ? Less(random, d.Modes) : [.. d.Modes, RandomEstates.Mode(random)] })),
        ("fail-safe", (random, estate) => Policy(estate, d => d with { FailSafe = d.FailSafe.Count > 0 ? [] : [new() { Network = random.Pick("outside", "some"), Ports = ["tcp/80"] }] })),
        ("time", (_, estate) => estate with { Now = estate.Now.AddHours(1) }),
    ];

    /// <summary>An estate after one change, and what it was; at times nothing changes.</summary>
    public static (string Name, Estate After) Make(Random random, Estate before)
    {
        var (name, edit) = random.Pick(_edits);
        var after = edit(random, before);
        return PolicyParser.Parse(after.Document, World.Keys).Ok ? (name, after) : ("nothing", before);
    }

    private static Estate AddWorkload(Random random, Estate estate)
    {
        var number = Enumerable.Range(1, 30).First(n => estate.Workloads.All(w => w.Id.Value != new Guid(n, 0, 0, new byte[8])));
        return estate with { Workloads = [.. estate.Workloads, RandomEstates.Workload(random, number)] };
    }

    private static Estate HandOver(Random random, Estate estate)
    {
        var giver = estate.Workloads.FirstOrDefault(w => w.Addresses.Count > 0);
        var taker = estate.Workloads.LastOrDefault(w => w.Space == giver?.Space && w.Id != giver.Id);
        if (giver is null || taker is null)
        {
            return estate;
        }

        var address = random.Pick([.. giver.Addresses]);
        return estate with
        {
            Workloads =
            [
                .. estate.Workloads.Select(w => w.Id == giver.Id ? w with { Addresses = w.Addresses.Where(a => a != address).ToEquatableArray() }
                    : w.Id == taker.Id ? w with { Addresses = w.Addresses.Append(address).Distinct().Order().ToEquatableArray() } : w),
            ],
        };
    }

    private static Estate AddRule(Random random, Estate estate) => Ruleset((r, ruleset) =>
    {
        var rule = RandomEstates.Rule(r, NextId(estate.Document));
        return RandomEstates.Valid(ruleset, rule) ? ruleset with { Rules = [.. ruleset.Rules, rule] } : ruleset;
    })(random, estate);

    private static Estate EditRule(Random random, Estate estate) => Ruleset((r, ruleset) =>
    {
        if (ruleset.Rules.Count == 0)
        {
            return ruleset;
        }

        var old = r.Pick(ruleset.Rules);
        var other = RandomEstates.Rule(r, old.Id);
        var edited = r.Next(5) switch
        {
            0 => old with { From = other.From },
            1 => old with { To = other.To },
            2 => old with { Services = other.Services },
            3 => old with { Action = other.Action, Unidentified = other.Unidentified },
            _ => old with { Expires = other.Expires, FromProcess = other.FromProcess, Users = other.Users, Consumer = other.Consumer },
        };
        return RandomEstates.Valid(ruleset, edited) ? ruleset with { Rules = [.. ruleset.Rules.Select(rule => rule == old ? edited : rule)] } : ruleset;
    })(random, estate);

    private static Estate EditScope(Random random, Estate estate) => Ruleset((r, ruleset) =>
    {
        var edited = ruleset with { Scopes = RandomEstates.Ruleset(r, "scopes", () => 1).Scopes };
        return edited with { Rules = [.. edited.Rules.Where(rule => RandomEstates.Valid(edited, rule))] };
    })(random, estate);

    private static RulesetDocument NewRuleset(Random random, PolicyDocument document)
    {
        var id = NextId(document);
        var ruleset = RandomEstates.Ruleset(random, $"r{id}", () => id++);
        return ruleset with { Rules = [.. ruleset.Rules.Where(rule => RandomEstates.Valid(ruleset, rule))] };
    }

    private static long NextId(PolicyDocument document) => document.Rulesets.SelectMany(r => r.Rules).Select(r => r.Id).DefaultIfEmpty().Max() + 1;

    private static Estate Policy(Estate estate, Func<PolicyDocument, PolicyDocument> edit) => estate with { Document = edit(estate.Document) };

    private static Edit Workload(Func<Random, Workload, Workload> edit) => (random, estate) =>
        estate.Workloads.Count == 0 ? estate : estate with { Workloads = Replaced(estate.Workloads, random.Next(estate.Workloads.Count), w => edit(random, w)) };

    private static Edit Ruleset(Func<Random, RulesetDocument, RulesetDocument> edit) => Vocabulary(d => d.Rulesets, (d, rulesets) => d with { Rulesets = rulesets }, edit);

    private static Edit Vocabulary<T>(Func<PolicyDocument, IReadOnlyList<T>> get, Func<PolicyDocument, IReadOnlyList<T>, PolicyDocument> set, Func<Random, T, T> edit) => (random, estate) =>
        get(estate.Document) is { Count: > 0 } items ? Policy(estate, d => set(d, Replaced(items, random.Next(items.Count), item => edit(random, item)))) : estate;

    private static IReadOnlyList<T> Replaced<T>(IReadOnlyList<T> items, int index, Func<T, T> edit) => [.. items.Select((item, i) => i == index ? edit(item) : item)];

    private static IReadOnlyList<T> Less<T>(Random random, IReadOnlyList<T> items) =>
        items.Count == 0 ? items : random.Next(items.Count) is var gone ? [.. items.Where((_, i) => i != gone)] : items;

    private static IReadOnlyList<string> Toggled(IReadOnlyList<string> items, string item) => items.Contains(item) ? [.. items.Where(i => i != item)] : [.. items, item];
}
