namespace Bulkhead.Agent.Telemetry;

/// <summary>
/// When to let events gather before they are read. Reading each at once costs many times what reading in batches does, but a process that opens a
/// socket for a moment, to ask for a name say, can be named only at once. So where little goes on nothing waits, and in a storm everything does.
/// </summary>
internal sealed class Naps(TimeProvider time)
{
    /// <summary>How often events may be read at once, in a tenth of a second.</summary>
    public const int AtOnce = 20;

    private static readonly TimeSpan _span = TimeSpan.FromMilliseconds(100);
    private long _began = time.GetTimestamp();
    private int _read;

    /// <summary>To be asked after each reading: whether to wait a little before the next.</summary>
    public bool IsDue()
    {
        if (time.GetElapsedTime(_began) >= _span)
        {
            (_began, _read) = (time.GetTimestamp(), 0);
        }

        return ++_read > AtOnce;
    }
}
