namespace Bulkhead.Bench.Harness;

/// <summary>A benchmark cannot be run, or what it measured would not be what it claims; the message says why.</summary>
internal sealed class BenchException : Exception
{
    public BenchException(string message)
        : base(message)
    {
    }

    public BenchException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
