using System.Globalization;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Enforcement.Plan;

/// <summary>One change of the table.</summary>
public abstract record PlanStep
{
    private PlanStep()
    {
    }

    /// <summary>Puts a document in place of whatever the table holds.</summary>
    public sealed record ReplaceTable(FirewallDocument Document) : PlanStep;

    /// <summary>Adds a set with its elements.</summary>
    public sealed record AddSet(AddressSet Set) : PlanStep;

    /// <summary>Adds elements to a set.</summary>
    /// <param name="Set">Its name.</param>
    /// <param name="IsInterval">Whether it holds prefixes.</param>
    /// <param name="Elements">None of which it has.</param>
    public sealed record AddElements(string Set, bool IsInterval, EquatableArray<IpPrefix> Elements) : PlanStep;

    /// <summary>Takes elements out of a set.</summary>
    /// <param name="Set">Its name.</param>
    /// <param name="IsInterval">Whether it holds prefixes.</param>
    /// <param name="Elements">All of which it has.</param>
    public sealed record DeleteElements(string Set, bool IsInterval, EquatableArray<IpPrefix> Elements) : PlanStep;

    /// <summary>Adds a helper.</summary>
    public sealed record AddHelper(HelperObject Helper) : PlanStep;

    /// <summary>Deletes a helper that nothing refers to; connections that have it keep it.</summary>
    public sealed record DeleteHelper(string Helper) : PlanStep;

    /// <summary>Adds a chain without rules.</summary>
    public sealed record AddChain(string Chain) : PlanStep;

    /// <summary>Gives a chain other rules, or none.</summary>
    public sealed record SetRules(string Chain, EquatableArray<FirewallRule> Rules) : PlanStep;

    /// <summary>Deletes a chain that nothing refers to and that has no rules.</summary>
    public sealed record DeleteChain(string Chain) : PlanStep;

    /// <summary>Deletes a set that nothing refers to.</summary>
    public sealed record DeleteSet(string Set) : PlanStep;
}

/// <summary>The steps from what the table holds to what it is to hold. They are one transaction: all happen, or none.</summary>
/// <param name="Steps">In an order in which each finds what it needs: additions before their users, removals after.</param>
public sealed record FirewallPlan(EquatableArray<PlanStep> Steps)
{
    /// <summary>Whether it does not ask what the table holds.</summary>
    public bool ReplacesTable => Steps is [PlanStep.ReplaceTable];

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsEmpty => Steps.Count == 0;

    /// <summary>The script for nft; empty for an empty plan.</summary>
    public string Script
    {
        get
        {
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            Write(text);
            return text.ToString();
        }
    }

    /// <summary>Writes <see cref="Script"/> piece by piece, so that no more than a piece of a large one is in memory.</summary>
    public void Write(TextWriter script)
    {
        foreach (var step in Steps)
        {
            NftScript.Write(script, step);
        }
    }

    /// <summary>The least change.</summary>
    /// <param name="observed">What the table holds; null if that is not known, or there is none: then all is replaced.</param>
    /// <param name="desired">What it is to hold.</param>
    public static FirewallPlan Diff(FirewallDocument? observed, FirewallDocument desired)
    {
        if (observed is null)
        {
            return new([new PlanStep.ReplaceTable(desired)]);
        }

        var oldSets = observed.Sets.ToDictionary(s => s.Name, StringComparer.Ordinal);
        var newSets = desired.Sets.ToDictionary(s => s.Name, StringComparer.Ordinal);
        var oldChains = observed.Chains.ToDictionary(c => c.Name, StringComparer.Ordinal);
        var newChains = desired.Chains.ToDictionary(c => c.Name, StringComparer.Ordinal);
        if (HasOtherShape(oldSets, newSets, (a, b) => (a.IsV6, a.IsInterval) == (b.IsV6, b.IsInterval))
            || HasOtherShape(oldChains, newChains, (a, b) => a.Hook == b.Hook)
            || oldChains.Values.Concat(newChains.Values).Any(c => c.Hook is not null && !(oldChains.ContainsKey(c.Name) && newChains.ContainsKey(c.Name))))
        {
            return new([new PlanStep.ReplaceTable(desired)]);
        }

        var goneChains = observed.Chains.Where(c => !newChains.ContainsKey(c.Name)).ToArray();
        var changedSets = desired.Sets
            .Where(s => oldSets.TryGetValue(s.Name, out var old) && old != s)
            .Select(s => (Old: oldSets[s.Name], New: s))
            .ToArray();
        return new([
            .. desired.Helpers.Where(h => !observed.Helpers.Contains(h)).Select(h => new PlanStep.AddHelper(h)),
            .. desired.Sets.Where(s => !oldSets.ContainsKey(s.Name)).Select(s => new PlanStep.AddSet(s)),
            .. changedSets.SelectMany(change => Members(change.Old, change.New)),
            .. desired.Chains.Where(c => !oldChains.ContainsKey(c.Name)).Select(c => new PlanStep.AddChain(c.Name)),
            .. desired.Chains
                .Where(c => !(oldChains.TryGetValue(c.Name, out var old) ? old.Rules : []).Equals(c.Rules))
                .Select(c => new PlanStep.SetRules(c.Name, c.Rules)),
            .. goneChains.Where(c => c.Rules.Count > 0).Select(c => new PlanStep.SetRules(c.Name, [])),
            .. goneChains.Select(c => new PlanStep.DeleteChain(c.Name)),
            .. observed.Sets.Where(s => !newSets.ContainsKey(s.Name)).Select(s => new PlanStep.DeleteSet(s.Name)),
            .. observed.Helpers.Where(h => !desired.Helpers.Contains(h)).Select(h => new PlanStep.DeleteHelper(h.Name)),
        ]);
    }

    private static bool HasOtherShape<T>(Dictionary<string, T> before, Dictionary<string, T> after, Func<T, T, bool> same) =>
        after.Any(pair => before.TryGetValue(pair.Key, out var old) && !same(old, pair.Value));

    /// <summary>Removals first: a prefix may come where a longer or shorter one was.</summary>
    private static IEnumerable<PlanStep> Members(AddressSet before, AddressSet after)
    {
        var (removed, added) = (new List<IpPrefix>(), new List<IpPrefix>());
        PrefixList.Compare(before.Elements, after.Elements, removed.Add, added.Add);
        if (removed.Count > 0)
        {
            yield return new PlanStep.DeleteElements(after.Name, after.IsInterval, removed.ToEquatableArray());
        }

        if (added.Count > 0)
        {
            yield return new PlanStep.AddElements(after.Name, after.IsInterval, added.ToEquatableArray());
        }
    }
}
