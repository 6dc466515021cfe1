using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Documents;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>Compares our table in the kernel with what we put there.</summary>
internal static class TableDifference
{
    /// <summary>What differs, a line for each object; empty if nothing does.</summary>
    /// <param name="held">What was put there.</param>
    /// <param name="skeleton">What the kernel told of it right then.</param>
    /// <param name="reader">Reads what is there now.</param>
    /// <exception cref="NetlinkException">The kernel cannot be read.</exception>
    public static IReadOnlyList<string> Between(FirewallDocument held, TableSnapshot skeleton, TableReader reader)
    {
        if (reader.Skeleton() is not { } now)
        {
            return ["the table was deleted"];
        }

        return
        [
            .. now.Flags == skeleton.Flags ? Array.Empty<string>() : [$"the table's flags were {skeleton.Flags}, and became {now.Flags}"],
            .. Names("chain", skeleton.Chains.Keys, now.Chains.Keys),
            .. skeleton.Chains.Where(c => now.Chains.TryGetValue(c.Key, out var other) && !c.Value.SameAs(other)).SelectMany(c => Chain(c.Key, c.Value, now.Chains[c.Key])),
            .. Names("set", skeleton.Sets.Keys, now.Sets.Keys),
            .. held.Sets.Where(set => now.Sets.TryGetValue(set.Name, out var kind) && kind == skeleton.Sets.GetValueOrDefault(set.Name)).SelectMany(set => reader.Compare(set).Describe()),
            .. held.Sets.Where(set => now.Sets.TryGetValue(set.Name, out var kind) && kind != skeleton.Sets.GetValueOrDefault(set.Name)).Select(set => $"set {set.Name}: another of this name took its place"),
        ];
    }

    private static IEnumerable<string> Names(string kind, IEnumerable<string> before, IEnumerable<string> now)
    {
        var (old, found) = (before.ToHashSet(StringComparer.Ordinal), now.ToHashSet(StringComparer.Ordinal));
        return found.Where(name => !old.Contains(name)).Order(StringComparer.Ordinal).Select(name => $"{kind} {name}: added")
            .Concat(old.Where(name => !found.Contains(name)).Order(StringComparer.Ordinal).Select(name => $"{kind} {name}: deleted"));
    }

    private static IEnumerable<string> Chain(string name, ChainSnapshot before, ChainSnapshot now)
    {
        if (before.Kind != now.Kind)
        {
            yield return $"chain {name}: hook, priority or policy changed";
        }

        var kept = CommonLength(before.Rules, now.Rules);
        var (gone, come) = (before.Rules.Count - kept, now.Rules.Count - kept);
        if (gone + come > 0)
        {
            yield return $"chain {name}: {(gone == 0 ? "" : $"{Rules(gone)} of {before.Rules.Count} deleted")}{(gone > 0 && come > 0 ? ", " : "")}{(come == 0 ? "" : $"{Rules(come)} added")}";
        }
        else if (!before.Rules.SequenceEqual(now.Rules))
        {
            yield return $"chain {name}: rules in another order";
        }
    }

    private static string Rules(int number) => $"{number} rule{(number == 1 ? "" : "s")}";

    /// <summary>How many rules both have, whatever their order.</summary>
    private static int CommonLength(IReadOnlyList<ulong> before, IReadOnlyList<ulong> now)
    {
        var left = before.CountBy(rule => rule).ToDictionary();
        return now.Count(rule => left.TryGetValue(rule, out var count) && (left[rule] = count - 1) >= 0);
    }
}
