using System.Globalization;
using System.Text.RegularExpressions;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Offline;

/// <summary>Names rules by their place in files, where sentences of the policy engine name them by their id: in files ids need not be written.</summary>
internal static partial class RuleNames
{
    /// <summary>The sentence with <c>rule 7 of ruleset 'shop'</c> and <c>rule 7</c> as <c>shop.yaml:12, ruleset shop</c>.</summary>
    public static string In(string sentence, PolicyFolder folder) => Named().Replace(sentence, found =>
        long.TryParse(found.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && folder.Rule(new(id)) is not null
            ? $"{(found.Value[0] == 'R' ? "The" : "the")} rule at {Place(RuleView.Of(folder, new(id)))}"
            : found.Value);

    private static string Place(RuleView rule) => $"{rule.File}:{rule.Line} (ruleset {rule.Ruleset})";

    [GeneratedRegex(@"\b[Rr]ule ([0-9]+)(?: of ruleset '[^']*')?")]
    private static partial Regex Named();
}
