using System.Net;

namespace Bulkhead.Bench.Harness;

/// <summary>A benchmark cannot be run, or what it measured would not be what it claims; the message says why.</summary>
internal sealed class BenchException : Exception
{
    public BenchException(string message)
        : base(message)
    {
    }

    /// <summary>The status of an answer that was not a success, if it was that.</summary>
    public HttpStatusCode? Status { get; init; }

    public BenchException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
