using Microsoft.CodeAnalysis;

namespace Bulkhead.Mutation;

/// <summary>One small change of the source that a test should notice.</summary>
/// <param name="File">Of the source, relative to the mutated folder.</param>
/// <param name="Line">From 1.</param>
/// <param name="Original">The node that is replaced.</param>
/// <param name="Replacement">What it is replaced by.</param>
internal sealed record Mutant(string File, int Line, SyntaxNode Original, SyntaxNode Replacement)
{
    public override string ToString() => $"{File}:{Line}  {OneLine(Original)}  →  {OneLine(Replacement)}";

    private static string OneLine(SyntaxNode node)
    {
        var text = string.Join(' ', node.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return text.Length <= 90 ? text : string.Concat(text.AsSpan(0, 87), "…");
    }
}
