namespace Bulkhead.Agent;

/// <summary>A failure that a person can mend; shown as it is, without a stack trace.</summary>
/// <param name="code">Stable, kebab-case.</param>
/// <param name="message">What happened.</param>
/// <param name="remedy">What to do.</param>
internal sealed class AgentException(string code, string message, string remedy) : Exception(message)
{
    /// <summary>Stable, kebab-case.</summary>
    public string Code { get; } = code;

    /// <summary>What to do.</summary>
    public string Remedy { get; } = remedy;
}
