using System.Globalization;
using Bulkhead.Policy;

namespace Bulkhead.PolicyFiles;

/// <summary>A file as text; whoever calls has read it.</summary>
/// <param name="Name">As diagnostics name it.</param>
/// <param name="Text">Its content: YAML, of which JSON is a part.</param>
public sealed record SourceFile(string Name, string Text)
{
    /// <summary>The most characters that are read.</summary>
    public const int MaxLength = 32 * 1024 * 1024;
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
