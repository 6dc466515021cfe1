using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Policies;

/// <summary>Notices when the order to enforce nothing is given or taken back.</summary>
internal sealed class PanicWatch : IDisposable
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    private readonly IDisposable _watch;

    /// <summary>Begins to watch the state folder.</summary>
    /// <param name="state">The folder.</param>
    /// <param name="changed">Called on a thread of its own, after each change, and whenever one may have been missed.</param>
    /// <param name="time">The clock.</param>
    public PanicWatch(StateDirectory state, Action changed, TimeProvider time)
    {
        var watcher = new FileSystemWatcher(state.Root, Path.GetFileName(state.Panic)) { NotifyFilter = NotifyFilters.FileName | NotifyFilters.LastWrite };
        watcher.Created += (_, _) => changed();
        watcher.Changed += (_, _) => changed();
        watcher.Deleted += (_, _) => changed();
        watcher.Renamed += (_, _) => changed();
        watcher.Error += (_, _) => changed();
        try
        {
            watcher.EnableRaisingEvents = true;
            _watch = watcher;
        }
        catch (IOException)
        {
            // Others have all of the user's inotify instances.
            watcher.Dispose();
            _watch = time.CreateTimer(_ => changed(), null, _pause, _pause);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _watch.Dispose();
}
