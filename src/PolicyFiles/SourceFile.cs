using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Bulkhead.Policy;

namespace Bulkhead.PolicyFiles;

/// <summary>A file as text; whoever calls has read it.</summary>
/// <param name="Name">As diagnostics name it.</param>
/// <param name="Text">Its content: YAML, of which JSON is a part.</param>
public sealed record SourceFile(string Name, string Text)
{
    /// <summary>The most characters that are read.</summary>
    public const int MaxLength = 32 * 1024 * 1024;

    /// <summary>Why there is no text to read, or null.</summary>
    public FileDiagnostic? Unreadable { get; private init; } = Text.Length > MaxLength ? TooLong(Name) : null;

    /// <summary>A file of bytes: UTF-8 text, or a problem at the first place that is none.</summary>
    public static SourceFile Of(string name, ReadOnlySpan<byte> bytes)
    {
        bytes = bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes;
        if (bytes.Length > MaxLength)
        {
            return TooLarge(name);
        }

        if (bytes is [0xff, 0xfe, ..] or [0xfe, 0xff, ..] or [0, not 0, ..] or [not 0, 0, ..])
        {
            return new(name, "") { Unreadable = new(new(name, 1, 1), Diagnostic.Error("not-utf-8", "", "The file is text in UTF-16. Save it as UTF-8.")) };
        }

        var text = new char[bytes.Length];
        if (Utf8.ToUtf16(bytes, text, out var read, out var written, replaceInvalidSequences: false) == OperationStatus.Done)
        {
            return new(name, new string(text, 0, written));
        }

        var line = bytes[..read].Count((byte)'\n') + 1;
        var column = written - text.AsSpan(0, written).LastIndexOf('\n');
        return new(name, "") { Unreadable = new(new(name, line, column), Diagnostic.Error("not-utf-8", "", "What stands here is not text in UTF-8. Save the file as UTF-8.")) };
    }

    /// <summary>A file that is too large for its bytes to be read at all.</summary>
    public static SourceFile TooLarge(string name) => new(name, "") { Unreadable = TooLong(name) };

    private static FileDiagnostic TooLong(string name) =>
        new(new(name, 1, 1), Diagnostic.Error("too-large", "", $"The file has more than {MaxLength / 1024 / 1024} million characters. Split it."));
}

/// <summary>A place in a file.</summary>
/// <param name="File">The file's name.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
public readonly record struct Place(string File, int Line, int Column) : IComparable<Place>
{
    /// <inheritdoc/>
    public int CompareTo(Place other) =>
        string.CompareOrdinal(File, other.File) is var order and not 0 ? order : (Line, Column).CompareTo((other.Line, other.Column));

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}:{Column}");
}

/// <summary>A problem, with its place in a file.</summary>
/// <param name="At">The place.</param>
/// <param name="Found">What is wrong; its path is within the policy or inventory, empty for problems of the text itself.</param>
public sealed record FileDiagnostic(Place At, Diagnostic Found)
{
    /// <summary>Orders by place, then by code.</summary>
    public static IReadOnlyList<FileDiagnostic> Sort(IEnumerable<FileDiagnostic> problems) =>
        [.. problems.Distinct().OrderBy(p => p.At).ThenBy(p => p.Found.Code, StringComparer.Ordinal).ThenBy(p => p.Found.Message, StringComparer.Ordinal)];
}
