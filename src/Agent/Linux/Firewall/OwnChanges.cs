namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>
/// Remembers who changes the table for us, so that the watch tells our changes from others': our own socket, and the last children. A child's
/// netlink port is its process identifier.
/// </summary>
/// <param name="port">Of our own socket, if there is one.</param>
internal sealed class OwnChanges(uint? port = null)
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
            return process == port || _processes.Contains(process);
        }
    }
}
