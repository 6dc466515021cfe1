namespace Bulkhead.Agent.Checks;

/// <summary>How much a finding weighs.</summary>
internal enum FindingLevel
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>The agent works, with this reservation.</summary>
    Warning,

    /// <summary>The agent would not work, or could not enforce.</summary>
    Problem,
}

/// <summary>One thing that <c>check</c> looked at.</summary>
/// <param name="Code">Stable, kebab-case.</param>
/// <param name="Level">What it weighs.</param>
/// <param name="Message">What was found.</param>
/// <param name="Remedy">What to do; empty where nothing is to be done.</param>
internal sealed record Finding(string Code, FindingLevel Level, string Message, string Remedy = "")
{
    /// <summary>As it should be.</summary>
    public static Finding Ok(string code, string message) => new(code, FindingLevel.Ok, message);

    /// <summary>Works, with a reservation.</summary>
    public static Finding Warning(string code, string message, string remedy) => new(code, FindingLevel.Warning, message, remedy);

    /// <summary>Would not work.</summary>
    public static Finding Problem(string code, string message, string remedy) => new(code, FindingLevel.Problem, message, remedy);
}
