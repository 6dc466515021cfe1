namespace Bulkhead.Policy.Services;

/// <summary>Reads domain names and patterns: <c>www.example.com</c>, or <c>*.example.com</c> for every name below it (RFC 1123 syntax, and underscores).</summary>
public static class FqdnText
{
    private const int MaxLength = 253;
    private const int MaxLabelLength = 63;

    /// <summary>The pattern in lower case without a final dot; null, with a problem, if it is not one.</summary>
    public static string? Parse(string? text, string path, ICollection<Diagnostic> problems)
    {
        var name = (text ?? "").Trim().TrimEnd('.').ToLowerInvariant();
        var labels = (name.StartsWith("*.", StringComparison.Ordinal) ? name[2..] : name).Split('.');
        if (name.Length is > 0 and <= MaxLength && labels.All(IsLabel) && !labels[^1].All(char.IsAsciiDigit))
        {
            return name;
        }

        problems.Add(Diagnostic.Error("bad-fqdn", path, $"'{text}' is not a domain name or pattern. Write www.example.com, or *.example.com for every name below it; addresses stand under addresses."));
        return null;
    }

    private static bool IsLabel(string label) =>
        label.Length is > 0 and <= MaxLabelLength && label[0] != '-' && label[^1] != '-' && label.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_');
}
