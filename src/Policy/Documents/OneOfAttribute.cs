namespace Bulkhead.Policy.Documents;

/// <summary>The words that a field takes, for schemas that editors complete from. The parser is what refuses others; a test keeps the two equal.</summary>
/// <param name="words">All of them, the usual one first.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OneOfAttribute(params string[] words) : Attribute
{
    /// <summary>All of them, the usual one first.</summary>
    public IReadOnlyList<string> Words { get; } = words;
}
