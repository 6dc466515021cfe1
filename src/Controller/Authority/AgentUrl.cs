namespace Bulkhead.Controller.Authority;

/// <summary>Where agents are told to connect.</summary>
/// <param name="Value">Such as <c>https://198.18.0.1:8444</c>.</param>
public sealed record AgentUrl(string Value);
