using System.Text.RegularExpressions;

namespace Bulkhead.Bench.Tamper;

/// <summary>Things that somebody with root does to our table, drawn at random; each changes something.</summary>
/// <param name="random">Where they are drawn from.</param>
/// <param name="listing">The table as it is when all is well, with handles (<c>nft -a list table</c>).</param>
internal sealed partial class Acts(Random random, string listing)
{
    private const string Table = "inet bulkhead";

    /// <summary>The kinds of acts.</summary>
    public static IReadOnlyList<string> Kinds { get; } =
    [
        "flush everything", "delete the table", "flush the table", "delete a base chain", "delete a rule", "add a rule", "replace a rule", "send a map elsewhere", "flush a chain",
        "add an element", "delete an element", "flush a set", "change a policy", "add a chain", "make the table dormant",
    ];

    /// <summary>A script of nft that does an act of a kind.</summary>
    public string Draw(string kind)
    {
        var (chain, handle, _) = Pick(Rules());
        var (set, element) = Pick(Elements());
        return kind switch
        {
            "flush everything" => "flush ruleset",
            "delete the table" => $"delete table {Table}",
            "flush the table" => $"flush table {Table}",
            "delete a base chain" => Pick<string>(["input", "output"]) is var hook ? $"flush chain {Table} {hook}\ndelete chain {Table} {hook}" : "",
            "delete a rule" => $"delete rule {Table} {chain} handle {handle}",
            "add a rule" => $"{Pick<string>(["add", "insert"])} rule {Table} {chain} {Pick<string>(["accept", "drop", "ip saddr 10.1.2.3 accept"])}",
            "replace a rule" => $"replace rule {Table} {chain} handle {handle} counter accept",
            "send a map elsewhere" => Pick(Maps()) is var (from, map, rule) ? $"replace rule {Table} {from} handle {map} {FirstTarget().Replace(rule, ": accept", 1)}" : "",
            "flush a chain" => $"flush chain {Table} {chain}",
            "add an element" => $"add element {Table} {set} {{ {Other(element)} }}",
            "delete an element" => $"delete element {Table} {set} {{ {element} }}",
            "flush a set" => $"flush set {Table} {set}",
            "change a policy" => $"chain {Table} {Pick<string>(["input", "output"])} {{ policy drop; }}",
            "add a chain" => $"add chain {Table} extra{random.Next(1000)}",
            _ => $"add table {Table} {{ flags dormant; }}",
        };
    }

    /// <summary>An address that no set has, or a prefix, as the one given is.</summary>
    private string Other(string element) =>
        (element.Contains(':', StringComparison.Ordinal) ? $"2001:db8:{random.Next(1, 65536):x}::" : $"198.18.{random.Next(256)}.0")
        + (element.Contains('/', StringComparison.Ordinal) ? element.Contains(':', StringComparison.Ordinal) ? "/64" : "/28" : "");

    private List<(string Chain, string Handle, string Text)> Rules()
    {
        var rules = new List<(string, string, string)>();
        var chain = "";
        foreach (var line in listing.Split('\n'))
        {
            if (ChainLine().Match(line) is { Success: true } begins)
            {
                chain = begins.Groups[1].Value;
            }
            else if (RuleLine().Match(line) is { Success: true } rule && !line.Contains(" {", StringComparison.Ordinal) | line.Contains("vmap", StringComparison.Ordinal) && chain.Length > 0)
            {
                rules.Add((chain, rule.Groups[2].Value, rule.Groups[1].Value));
            }
        }

        return rules;
    }

    // nft 1.0.6 stumbles over ranges in the maps that it has listed itself.
    private List<(string Chain, string Handle, string Text)> Maps() => [.. Rules().Where(rule => FirstTarget().IsMatch(rule.Text) && !rule.Text.Contains('-', StringComparison.Ordinal))];

    private List<(string Set, string Element)> Elements() =>
    [
        .. SetText().Matches(listing).SelectMany(set => set.Groups[2].Value.Split(',', StringSplitOptions.TrimEntries).Select(element => (set.Groups[1].Value, element))),
    ];

    private T Pick<T>(IReadOnlyList<T> some) => some[random.Next(some.Count)];

    [GeneratedRegex(@"^\tchain (\S+) \{")]
    private static partial Regex ChainLine();

    [GeneratedRegex(@"^\t\t(.*) # handle (\d+)$")]
    private static partial Regex RuleLine();

    [GeneratedRegex(@": (jump|goto) [^\s,]+")]
    private static partial Regex FirstTarget();

    [GeneratedRegex(@"^\tset (\S+) \{[^}]*?elements = \{([^}]*)\}", RegexOptions.Multiline)]
    private static partial Regex SetText();
}
