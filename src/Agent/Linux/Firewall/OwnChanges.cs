namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>
/// Remembers the last children that changed the table for us, so that the watch tells their changes from others'. A child's
/// netlink port is its process identifier.
/// </summary>
internal sealed class OwnChanges
{
    private const int Remembered = 16;

    private readonly Lock _lock = new();
    private readonly Queue<uint> _processes = new();

    public void Add(uint process)
    {
        lock (_lock)
        {
            if (_processes.Count == Remembered)
            {
                _processes.Dequeue();
            }

            _processes.Enqueue(process);
        }
    }

    public bool Contains(uint process)
    {
        lock (_lock)
        {
            return _processes.Contains(process);
        }
    }
}
