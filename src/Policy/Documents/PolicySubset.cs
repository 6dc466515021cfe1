namespace Bulkhead.Policy.Documents;

/// <summary>A change that was not asked for, but comes along.</summary>
/// <param name="Part">Which.</param>
/// <param name="With">A part that comes too, and refers to it or exchanges a rule with it.</param>
public sealed record CarriedPart(PolicyPart Part, PolicyPart With);

/// <summary>Some of the changes that lead from one policy to another, with those that they need.</summary>
/// <param name="Document">The one policy with these changes; whether it stands by itself is for <see cref="PolicyParser"/> to say.</param>
/// <param name="Carried">The changes that were not asked for, in the order in which they were found.</param>
/// <param name="Problems">Parts that were asked for and are not changed; then nothing else is to be made of it.</param>
public sealed record PolicySubset(PolicyDocument Document, IReadOnlyList<CarriedPart> Carried, IReadOnlyList<Diagnostic> Problems)
{
    /// <summary>
    /// Takes changes out of many. Whatever a taken part refers to, be it through parts that stay as they were, comes along if it is changed; so does the
    /// ruleset that a rule is moved out of, and the one that it is moved to: taken alone, the one would hold the rule twice, and the other lose it.
    /// </summary>
    /// <param name="before">The one policy.</param>
    /// <param name="after">The other.</param>
    /// <param name="wanted">The parts that are asked for.</param>
    /// <param name="path">Where these were written, for the diagnostics.</param>
    public static PolicySubset Of(PolicyDocument before, PolicyDocument after, IReadOnlyList<PolicyPart> wanted, string path)
    {
        var (old, now) = (new PolicyParts(before), new PolicyParts(after));
        var changes = PolicyParts.Changed(old, now);
        var changed = changes.ToHashSet();
        var problems = wanted.Index().Where(part => !changes.Any(part.Item.Includes)).Select(part => Diagnostic.Error("not-changed", $"{path}[{part.Index}]", Unknown(part.Item, changes))).ToList();
        var taken = changes.Where(part => wanted.Any(asked => asked.Includes(part))).ToHashSet();
        var carried = new List<CarriedPart>();
        var seen = new HashSet<PolicyPart>(taken);
        var open = new Queue<(PolicyPart Part, PolicyPart With)>(taken.Select(part => (part, part)));
        while (open.TryDequeue(out var next))
        {
            foreach (var needed in now.References(next.Part).Concat(Moved(next.Part, old, now)).Concat(Moved(next.Part, now, old)).Where(seen.Add))
            {
                var isChanged = changed.Contains(needed);
                if (isChanged)
                {
                    taken.Add(needed);
                    carried.Add(new(needed, next.With));
                }

                open.Enqueue((needed, isChanged ? needed : next.With));
            }
        }

        return new(Compose(before, after, taken), carried, problems);
    }

    /// <summary>Rulesets that in another policy hold rules of a ruleset of this one.</summary>
    private static IEnumerable<PolicyPart> Moved(PolicyPart ruleset, PolicyParts here, PolicyParts there) => ruleset.Kind != "ruleset"
        ? []
        : here.RulesetOf.Where(rule => rule.Value == ruleset).Select(rule => there.RulesetOf.GetValueOrDefault(rule.Key, ruleset)).Where(held => held != ruleset).Distinct();

    private static PolicyDocument Compose(PolicyDocument before, PolicyDocument after, HashSet<PolicyPart> taken)
    {
        return new()
        {
            Rulesets = Pick("ruleset", document => document.Rulesets, r => r.Name),
            Services = Pick("service", document => document.Services, s => s.Name),
            Networks = Pick("network", document => document.Networks, n => n.Name),
            LabelGroups = Pick("labelGroup", document => document.LabelGroups, g => g.Name),
            Modes = Pick("modes", document => document.Modes, m => m.Selector),
            FailSafe = Pick("failSafe", document => document.FailSafe, f => f.Network),
            Plans = Pick("plans", document => document.Plans, p => p.Selector),
            Assertions = Pick("assertion", document => document.Assertions, a => a.Name),
        };

        IReadOnlyList<T> Pick<T>(string kind, Func<PolicyDocument, IReadOnlyList<T>> list, Func<T, string> name) =>
        [
            .. list(before).Where(item => !taken.Contains(new(kind, name(item)))),
            .. list(after).Where(item => taken.Contains(new(kind, name(item)))),
        ];
    }

    private static string Unknown(PolicyPart part, IReadOnlyList<PolicyPart> changes) =>
        $"The draft changes no '{part}'. It changes: {(changes.Count == 0 ? "nothing" : string.Join(", ", changes))}.";
}
