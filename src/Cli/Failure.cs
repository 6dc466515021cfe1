using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli;

/// <summary>An expected failure: ends the command with a message that says what happened and what to do next.</summary>
/// <param name="exitCode">One of <see cref="ExitCode"/>.</param>
/// <param name="title">What happened, in one sentence.</param>
/// <param name="next">What to do, or null.</param>
/// <param name="diagnostics">Every problem of the input.</param>
internal sealed class Failure(int exitCode, string title, string? next = null, IReadOnlyList<DiagnosticView>? diagnostics = null) : Exception(title)
{
    public int ExitCode { get; } = exitCode;

    public string? Next { get; } = next;

    /// <summary>As the controller named it, for programs; null for failures found here.</summary>
    public string? Code { get; init; }

    public IReadOnlyList<DiagnosticView> Diagnostics { get; } = diagnostics ?? [];

    public static Failure Usage(string title, string? next = null) => new(Cli.ExitCode.Usage, title, next);

    public static Failure Refused(string title, IReadOnlyList<DiagnosticView> diagnostics) => new(Cli.ExitCode.Refused, title, null, diagnostics);
}
