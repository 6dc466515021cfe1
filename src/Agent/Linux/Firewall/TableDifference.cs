using System.Diagnostics;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Plan;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>Compares our table in the kernel with what we put there.</summary>
internal static class TableDifference
{
    private const int MostLines = 30;
    private static readonly TimeSpan _listingPatience = TimeSpan.FromMilliseconds(200);
    private const int MostListed = 5;
    private const int MostRules = 3;

    /// <summary>What differs, a line for each object, with what was there and what was found; empty if nothing does. At most 30 lines, each of bounded length.</summary>
    /// <param name="held">What was put there.</param>
    /// <param name="skeleton">What the kernel told of it right then.</param>
    /// <param name="reader">Reads what is there now.</param>
    /// <param name="list">Lists a chain that is there now, in words; null if the words do not matter.</param>
    /// <exception cref="NetlinkException">The kernel cannot be read.</exception>
    public static IReadOnlyList<string> Between(FirewallDocument held, TableSnapshot skeleton, TableReader reader, Func<string, RuleListing>? list = null)
    {
        if (reader.Skeleton() is not { } now)
        {
            return ["the table was deleted"];
        }

        // A repair waits for the words.
        var (listed, start) = (0, Stopwatch.GetTimestamp());
        RuleListing Listing(string chain) => list is not null && listed++ < MostListed && Stopwatch.GetElapsedTime(start) < _listingPatience ? list(chain) : RuleListing.Empty;
        string[] lines =
        [
            .. now.Flags == skeleton.Flags ? Array.Empty<string>() : [$"the table's flags were {skeleton.Flags}, and became {now.Flags}"],
            .. Names("chain", skeleton.Chains.Keys, now.Chains.Keys, chain => Content(Listing(chain))),
            .. held.Chains.Where(c => skeleton.Chains.TryGetValue(c.Name, out var before) && now.Chains.TryGetValue(c.Name, out var other) && !before.SameAs(other))
                .SelectMany(c => Chain(c, skeleton.Chains[c.Name], now.Chains[c.Name], Listing(c.Name))),
            .. Names("object", skeleton.Objects.Keys, now.Objects.Keys, _ => ""),
            .. now.Objects.Where(o => skeleton.Objects.TryGetValue(o.Key, out var before) && before != o.Value).Select(o => $"object {o.Key}: another of this name took its place"),
            .. Names("set", skeleton.Sets.Keys, now.Sets.Keys, _ => ""),
            .. held.Sets.Where(set => now.Sets.TryGetValue(set.Name, out var kind) && kind == skeleton.Sets.GetValueOrDefault(set.Name)).SelectMany(set => reader.Compare(set).Describe()),
            .. held.Sets.Where(set => now.Sets.TryGetValue(set.Name, out var kind) && kind != skeleton.Sets.GetValueOrDefault(set.Name)).Select(set => $"set {set.Name}: another of this name took its place"),
        ];
        return lines.Length <= MostLines ? lines : [.. lines.Take(MostLines), $"and {lines.Length - MostLines} more"];
    }

    private static IEnumerable<string> Names(string kind, IEnumerable<string> before, IEnumerable<string> now, Func<string, string> content)
    {
        var (old, found) = (before.ToHashSet(StringComparer.Ordinal), now.ToHashSet(StringComparer.Ordinal));
        return found.Where(name => !old.Contains(name)).Order(StringComparer.Ordinal).Select(name => $"{kind} {RuleListing.Bounded(name)}: added{content(name)}")
            .Concat(old.Where(name => !found.Contains(name)).Order(StringComparer.Ordinal).Select(name => $"{kind} {name}: deleted"));
    }

    private static string Content(RuleListing listing) =>
        (listing.Hook is { } hook ? $", '{hook}'" : "") + (listing.Rules.Count == 0 ? "" : $", with {Rules(listing.Rules.Count)}{Quote([.. listing.Rules.Values])}");

    private static IEnumerable<string> Chain(FirewallChain held, ChainSnapshot before, ChainSnapshot now, RuleListing listing)
    {
        if (before.Kind != now.Kind)
        {
            yield return $"chain {held.Name}: {(held.Hook is { } hook && listing.Hook is { } found ? $"'{NftScript.Line(hook)}' became '{found}'" : "hook, priority or policy changed")}";
        }

        var gone = Surplus(before.Rules, now.Rules).Select(i => i < held.Rules.Count ? RuleListing.Bounded(NftScript.Line(held.Rules[i])) : null).ToList();
        var come = Surplus(now.Rules, before.Rules).Select(i => listing.Rules.GetValueOrDefault(now.Handles[i])).ToList();
        if (gone.Count + come.Count > 0)
        {
            yield return $"chain {held.Name}: {(gone.Count == 0 ? "" : $"{Rules(gone.Count)} of {before.Rules.Count} deleted{Quote(gone)}")}{(gone.Count > 0 && come.Count > 0 ? ", " : "")}{(come.Count == 0 ? "" : $"{Rules(come.Count)} added{Quote(come)}")}";
        }
        else if (!before.Rules.SequenceEqual(now.Rules))
        {
            yield return $"chain {held.Name}: rules in another order";
        }
        else if (!before.Handles.SequenceEqual(now.Handles))
        {
            yield return $"chain {held.Name}: {Rules(before.Handles.Except(now.Handles).Count())} of {before.Rules.Count} replaced by others that look alike{Quote([.. now.Handles.Except(before.Handles).Select(handle => listing.Rules.GetValueOrDefault(handle))])}";
        }
    }

    private static string Rules(int number) => $"{number} rule{(number == 1 ? "" : "s")}";

    /// <summary>The first of some rules that are known in words.</summary>
    private static string Quote(List<string?> rules)
    {
        var known = rules.Where(rule => rule is not null).Take(MostRules).Select(rule => $"'{rule}'").ToList();
        return known.Count == 0 ? "" : $" ({string.Join(", ", known)}{(known.Count < rules.Count ? ", …" : "")})";
    }

    /// <summary>Where the rules are that one list has and another has not, or not so often; whatever their order.</summary>
    private static List<int> Surplus(IReadOnlyList<ulong> rules, IReadOnlyList<ulong> others)
    {
        var left = others.CountBy(rule => rule).ToDictionary();
        return [.. Enumerable.Range(0, rules.Count).Where(i => !left.TryGetValue(rules[i], out var count) || (left[rules[i]] = count - 1) < 0)];
    }
}
