namespace Bulkhead.Contracts.Rest;

/// <summary>The body of every error (RFC 9457, <c>application/problem+json</c>): what happened, what was not changed, what to do.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">Stable, kebab-case; for programs.</param>
/// <param name="Title">One sentence.</param>
/// <param name="Detail">What to do next, or null.</param>
/// <param name="Diagnostics">Every problem of the input; empty if the input was not the problem.</param>
public sealed record Problem(int Status, string Code, string Title, string? Detail, IReadOnlyList<DiagnosticView> Diagnostics);

/// <summary>One problem, or one warning, at a place in the input.</summary>
/// <param name="Severity"><c>error</c> or <c>warning</c>.</param>
/// <param name="Code">Stable, kebab-case.</param>
/// <param name="Path">The place, such as <c>rulesets[storefront].rules[2].to</c>.</param>
/// <param name="Message">What is wrong and how to mend it.</param>
public sealed record DiagnosticView(string Severity, string Code, string Path, string Message);

/// <summary>A page of a list.</summary>
/// <param name="Items">At most as many as asked for.</param>
/// <param name="Total">How many there are in all.</param>
/// <param name="Next">What to pass as <c>after</c> for the next page; null on the last.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, long Total, string? Next);
