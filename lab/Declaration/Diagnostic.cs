namespace Bulkhead.Lab;

/// <summary>One thing wrong with a lab file.</summary>
/// <param name="Code">Stable identifier of the kind of mistake, such as <c>unknown-daemon</c>.</param>
/// <param name="Path">Where: line and place, such as <c>line 12, links[3].to</c>.</param>
/// <param name="Message">What is wrong and what would be right.</param>
public sealed record Diagnostic(string Code, string Path, string Message)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path}: {Message} [{Code}]";
}
