using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>A chain as nft lists it: its rules by the kernel's handles, and of a base chain its hook.</summary>
/// <param name="Hook">Type, hook, priority and policy; null of a chain that is none.</param>
/// <param name="Rules">Each in one line, without counts.</param>
internal sealed partial record RuleListing(string? Hook, IReadOnlyDictionary<ulong, string> Rules)
{
    private const int LongestRule = 160;

    /// <summary>Nothing is known of it.</summary>
    public static RuleListing Empty { get; } = new(null, new Dictionary<ulong, string>());

    /// <summary>Reads what <c>nft -a -s -t list chain</c> writes; what does not look like that is passed over.</summary>
    public static RuleListing Parse(string listing)
    {
        string? hook = null;
        var rules = new Dictionary<ulong, string>();
        var rule = new StringBuilder();
        foreach (var line in listing.Split('\n').SkipWhile(line => !line.TrimStart().StartsWith("chain ", StringComparison.Ordinal)).Skip(1).Select(line => line.Trim()))
        {
            if (rule.Length == 0 && rules.Count == 0 && line.StartsWith("type ", StringComparison.Ordinal))
            {
                hook = Bounded(line.TrimEnd(';'));
                continue;
            }

            // A long map takes several lines.
            rule.Append(rule.Length == 0 ? "" : " ").Append(line);
            if (Handle().Match(line) is { Success: true } end)
            {
                var text = rule.ToString();
                rules[ulong.Parse(end.Groups[1].ValueSpan, CultureInfo.InvariantCulture)] = Bounded(text[..^end.Length]);
                rule.Clear();
            }
        }

        return new(hook, rules);
    }

    /// <summary>A rule's text that is fit for a report, whoever wrote it.</summary>
    public static string Bounded(string text)
    {
        var plain = string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
        return plain.Length <= LongestRule ? plain : plain[..(LongestRule - 1)] + "…";
    }

    [GeneratedRegex(" # handle ([0-9]{1,19})$")]
    private static partial Regex Handle();
}
