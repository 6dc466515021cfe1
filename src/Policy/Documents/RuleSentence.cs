using System.Globalization;

namespace Bulkhead.Policy.Documents;

/// <summary>A rule in one line, with everything that decides which connections it is about and who obeys it; what is as usual is left out.</summary>
internal static class RuleSentence
{
    /// <summary>The line.</summary>
    public static string Of(RuleDocument rule)
    {
        string?[] conditions =
        [
            Usual("within", rule.Within, "both"),
            Usual("consumer", rule.Consumer, "strict"),
            Usual("unidentified", rule.Unidentified, "skip"),
            Usual("whereUnenforceable", rule.WhereUnenforceable, "refuse"),
            rule.Expires is { } expires ? string.Create(CultureInfo.InvariantCulture, $"expires: {expires.ToUniversalTime():u}") : null,
        ];
        var process = rule.FromProcess is { } from ? $" from {string.Join(" of ", new[] { from.Path, from.Unit }.OfType<string>())}" : "";
        var users = rule.Users.Count > 0 ? $" for users in {string.Join(" or ", rule.Users)}" : "";
        var sentence = $"{rule.Action} {rule.From} to {rule.To} on {string.Join(", ", rule.Services)}{process}{users}";
        return string.Join("; ", conditions.OfType<string>().Prepend(sentence));
    }

    private static string? Usual(string name, string value, string usual) => value == usual ? null : $"{name}: {value}";
}
