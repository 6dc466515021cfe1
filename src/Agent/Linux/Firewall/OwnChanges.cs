namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>
/// Remembers who changes the table for us, so that the watch tells our changes from others': our own socket, and the last children. A child's
/// netlink port is its process identifier, which is somebody else's once the child has ended.
/// </summary>
/// <param name="port">Of our own socket, if there is one.</param>
internal sealed class OwnChanges(uint? port = null)
{
    private const int Remembered = 16;

    private readonly Lock _lock = new();
    private readonly Queue<Child> _children = new();

    /// <summary>A child has been started.</summary>
    public void Add(uint process)
    {
        lock (_lock)
        {
            if (_children.Count == Remembered)
            {
                _children.Dequeue();
            }

            _children.Enqueue(new(process));
        }
    }

    /// <summary>All children so far have ended, and nothing that they did is of a later generation than this one.</summary>
    public void Ended(uint generation)
    {
        lock (_lock)
        {
            foreach (var child in _children)
            {
                child.Last ??= generation;
            }
        }
    }

    /// <summary>Whether what a netlink port did, by which a generation came about, is ours.</summary>
    public bool Contains(uint process, uint generation)
    {
        lock (_lock)
        {
            // Generations wrap around.
            return process == port || _children.Any(child => child.Process == process && (child.Last is not { } last || (int)(last - generation) >= 0));
        }
    }

    private sealed class Child(uint process)
    {
        public uint Process { get; } = process;

        public uint? Last { get; set; }
    }
}
