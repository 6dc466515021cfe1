using System.Text.RegularExpressions;
using Bulkhead.Policy;
using YamlDotNet.Core;

namespace Bulkhead.PolicyFiles.Yaml;

/// <summary>Says what is wrong with a text that is no YAML, at the line where somebody has to mend it.</summary>
/// <param name="file">The text.</param>
/// <param name="read">How far events were read before it went wrong.</param>
/// <param name="open">Where the lists and objects in brackets begin that are open there, innermost first.</param>
internal sealed partial class YamlFault(SourceFile file, Mark read, IReadOnlyCollection<Mark> open)
{
    /// <summary>The problem that an error of the scanner or parser means; null stands for its failing without one, as it does in broken brackets.</summary>
    public FileDiagnostic Explain(YamlException? error)
    {
        // Quotes that are not closed swallow what would close a bracket.
        if (error is not null && error.Message.Contains("While scanning a quoted scalar", StringComparison.Ordinal))
        {
            return Say(PlaceOf(file, error.Start), Sentence(error));
        }

        if (open.Count == 0 && Tab(error) is { } tab)
        {
            return Say(tab, "A tab stands in the indentation here, and YAML takes spaces only. Replace it.");
        }

        if (Bracket(error) is { } bracket)
        {
            return Say(bracket, "This is not YAML: what begins here with a bracket goes wrong before it is closed. Look for a missing ']' or '}', or a missing comma.");
        }

        return error is null
            ? Say(PlaceOf(file, read), "This is not YAML: what follows here is no value. Look at brackets, dashes and quotes.")
            : Say(PlaceOf(file, error.Start), Sentence(error));
    }

    /// <summary>The place of a mark.</summary>
    public static Place PlaceOf(SourceFile file, Mark mark) => new(file.Name, (int)Math.Max(1, mark.Line), (int)Math.Max(1, mark.Column));

    private static FileDiagnostic Say(Place at, string message) => new(at, Diagnostic.Error("bad-yaml", "", message));

    /// <summary>The first tab in an indentation after what was read, as far as the error reaches; the scanner gives the start of the whole block.</summary>
    private Place? Tab(YamlException? error)
    {
        var match = TabIndentation().Match(file.Text, (int)Math.Min(read.Index, file.Text.Length));
        if (!match.Success || error is null)
        {
            return null;
        }

        var tab = match.Index + match.Length - 1;
        var before = file.Text.AsSpan(0, tab);
        var line = before.Count('\n') + 1;
        return error.Message.Contains("tab", StringComparison.Ordinal) || line <= error.End.Line
            ? new(file.Name, line, tab - before.LastIndexOf('\n'))
            : null;
    }

    /// <summary>Where the innermost open bracket is; where the scanner looked ahead and gave up, the next one that it was about to read.</summary>
    private Place? Bracket(YamlException? error)
    {
        if (open.Count > 0)
        {
            return error is null || error.Message.Contains("While parsing", StringComparison.Ordinal) ? PlaceOf(file, open.First()) : null;
        }

        var from = (int)Math.Min(read.Index, file.Text.Length);
        var next = error is null ? file.Text.AsSpan(from).IndexOfAny('[', '{') : -1;
        if (next < 0)
        {
            return null;
        }

        var before = file.Text.AsSpan(0, from + next);
        return new(file.Name, before.Count('\n') + 1, before.Length - before.LastIndexOf('\n'));
    }

    private static string Sentence(YamlException error)
    {
        var message = error.Message;
        var colon = message.IndexOf("): ", StringComparison.Ordinal);
        message = message.StartsWith('(') && colon > 0 ? message[(colon + 3)..] : message;
        return $"This is not YAML: {message.TrimEnd('.')}. Look at the indentation, and at quotes around values with ':' or '#'.";
    }

    // Not before a comment or the end of the line, where a tab does no harm.
    [GeneratedRegex(@"^ *\t(?=[ \t]*[^ \t\r\n#])", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex TabIndentation();
}
