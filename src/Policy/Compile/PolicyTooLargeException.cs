namespace Bulkhead.Policy.Compile;

/// <summary>A policy or estate passes a bound of the compiler; nothing of it was taken over. The message names the bound and what to do.</summary>
public sealed class PolicyTooLargeException(string message) : Exception(message);
