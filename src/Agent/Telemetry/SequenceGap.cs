namespace Bulkhead.Agent.Telemetry;

/// <summary>Counts what is missing from messages that the kernel numbers one by one.</summary>
internal sealed class SequenceGap
{
    private uint? _last;

    /// <summary>How many numbers were left out before this one; 0 for the first.</summary>
    public uint Before(uint sequence)
    {
        var gap = _last is { } last ? unchecked(sequence - last - 1) : 0;
        _last = sequence;
        return gap;
    }
}
