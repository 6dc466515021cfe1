using System.Buffers;
using System.Globalization;
using System.Text;

namespace Bulkhead.PolicyFiles.Yaml;

/// <summary>Writes single values so that every YAML reader, of version 1.1 or 1.2, reads them back as they are.</summary>
internal static class ScalarText
{
    private const string NeverFirst = "-?:,[]{}#&*!|>'\"%@`";
    private static readonly SearchValues<char> s_neverInFlow = SearchValues.Create(",[]{}:");

    private static readonly HashSet<string> s_otherWords = new(StringComparer.OrdinalIgnoreCase)
        { "null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<", ".inf", "+.inf", ".nan" };

    /// <summary>A text: without quotes if it then still is this text, and nothing else.</summary>
    public static string OfString(string text, bool inFlow) => CanBePlain(text, inFlow) && !IsOtherKind(text) ? text : Quoted(text);

    /// <summary>A number, a time, true or false, as it was written.</summary>
    public static string OfOther(string text, bool inFlow) => CanBePlain(text, inFlow) ? text : Quoted(text);

    /// <summary>Whether a text of several lines can be written as such, below a bar.</summary>
    public static bool CanBeBlock(string text)
    {
        var body = text.EndsWith('\n') ? text[..^1] : text;
        return body.Contains('\n', StringComparison.Ordinal) && body[0] is not (' ' or '\n') && !body.EndsWith('\n')
            && body.Split('\n').All(line => !line.EndsWith(' ') && line.All(IsPrintable));
    }

    private static bool CanBePlain(string text, bool inFlow) =>
        text.Length > 0
        && !char.IsWhiteSpace(text[0]) && !char.IsWhiteSpace(text[^1]) && text[^1] != ':'
        && !NeverFirst.Contains(text[0], StringComparison.Ordinal) && !text.StartsWith("...", StringComparison.Ordinal)
        && !text.Contains(": ", StringComparison.Ordinal) && !text.Contains(" #", StringComparison.Ordinal)
        && text.All(IsPrintable)
        && !(inFlow && text.AsSpan().ContainsAny(s_neverInFlow));

    /// <summary>Whether other readers would take it for a number, a date, a truth value or nothing.</summary>
    private static bool IsOtherKind(string text) =>
        s_otherWords.Contains(text)
        || double.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out _)
        || (text.Length > 2 && text[0] == '0' && text[1] is 'x' or 'X' or 'o' or 'O' or 'b' or 'B')
        || (char.IsAsciiDigit(text[0]) && text.All(c => char.IsAsciiDigit(c) || c is ':' or '_' or '.') && text.Contains(':', StringComparison.Ordinal))
        || (text.Length >= 8 && text[..4].All(char.IsAsciiDigit) && text[4] == '-');

    private static bool IsPrintable(char c) =>
        !char.IsControl(c) && c is not ('\u2028' or '\u2029' or '\ufeff') && !char.IsSurrogate(c) && (c == ' ' || !char.IsWhiteSpace(c));

    private static string Quoted(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\n' => quoted.Append("\\n"),
                '\t' => quoted.Append("\\t"),
                '\r' => quoted.Append("\\r"),
                _ when IsPrintable(c) || char.IsSurrogate(c) => quoted.Append(c),
                _ => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
            };
        }

        return quoted.Append('"').ToString();
    }
}
