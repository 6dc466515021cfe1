namespace Bulkhead.Bench.Enforce;

/// <summary>When numbered packets were sent, for about the last minute. One thread appends; any may read.</summary>
internal sealed class SendLog
{
    private const int Remembered = 1 << 16;

    private readonly long[] _sent = new long[Remembered];
    private uint _count;

    /// <summary>Notes the next packet, and returns its number: 1, 2, 3 …</summary>
    public uint Append(long timestamp)
    {
        var number = _count + 1;
        _sent[number % Remembered] = timestamp;
        Volatile.Write(ref _count, number);
        return number;
    }

    /// <summary>When a packet was sent; null if it was not yet, or too long ago to know.</summary>
    public long? SentAt(uint number) =>
        Volatile.Read(ref _count) is var count && number <= count && count - number < Remembered - 1 ? _sent[number % Remembered] : null;
}
