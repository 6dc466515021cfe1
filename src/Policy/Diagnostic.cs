namespace Bulkhead.Policy;

/// <summary>How much a <see cref="Diagnostic"/> weighs.</summary>
public enum Severity
{
    /// <summary>Worth reading; stops nothing.</summary>
    Warning,

    /// <summary>The input is refused and nothing of it is applied.</summary>
    Error,
}

/// <summary>One problem in the input. A check returns all problems at once, never only the first.</summary>
/// <param name="Severity">Whether it stops the operation.</param>
/// <param name="Code">Stable kebab-case code, for programs.</param>
/// <param name="Path">The place, such as <c>rulesets[storefront].rules[2].to</c>.</param>
/// <param name="Message">What is wrong and what to do about it, as a sentence.</param>
public sealed record Diagnostic(Severity Severity, string Code, string Path, string Message)
{
    /// <summary>An error at a place.</summary>
    public static Diagnostic Error(string code, string path, string message) => new(Severity.Error, code, path, message);

    /// <summary>A warning at a place.</summary>
    public static Diagnostic Warning(string code, string path, string message) => new(Severity.Warning, code, path, message);
}

/// <summary>A value, or the problems that kept it from being one; warnings may accompany a value.</summary>
/// <param name="Value">The value; null exactly if a diagnostic is an error.</param>
/// <param name="Diagnostics">All problems found.</param>
public sealed record Checked<T>(T? Value, IReadOnlyList<Diagnostic> Diagnostics)
    where T : class
{
    /// <summary>Whether the value is there.</summary>
    public bool Ok => Value is not null;
}
