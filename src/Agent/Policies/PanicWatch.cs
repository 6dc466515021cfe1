using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Policies;

/// <summary>Notices when the order to enforce nothing is given or taken back.</summary>
internal sealed class PanicWatch : IDisposable
{
    private readonly FileSystemWatcher _watcher;

    /// <summary>Begins to watch the state folder.</summary>
    /// <param name="state">The folder.</param>
    /// <param name="changed">Called on a thread of its own, after each change, and whenever one may have been missed.</param>
    public PanicWatch(StateDirectory state, Action changed)
    {
        _watcher = new FileSystemWatcher(state.Root, Path.GetFileName(state.Panic)) { NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite };
        _watcher.Created += (_, _) => changed();
        _watcher.Changed += (_, _) => changed();
        _watcher.Deleted += (_, _) => changed();
        _watcher.Renamed += (_, _) => changed();
        _watcher.Error += (_, _) => changed();
        _watcher.EnableRaisingEvents = true;
    }

    /// <inheritdoc/>
    public void Dispose() => _watcher.Dispose();
}
