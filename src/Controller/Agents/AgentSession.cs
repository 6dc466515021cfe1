using System.Net;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Controller.Agents;

/// <summary>
/// An agent's open policy stream. It is only woken: it then asks for the newest policy, so that a slow agent holds up nobody and misses only what has
/// been superseded.
/// </summary>
public sealed class AgentSession : IDisposable
{
    private readonly AgentDirectory _directory;
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly CancellationTokenSource _ended = new();
    private int _awake;

    internal AgentSession(AgentDirectory directory, WorkloadId workload, IPAddress remote) => (_directory, Workload, Remote) = (directory, workload, remote);

    /// <summary>Whose.</summary>
    public WorkloadId Workload { get; }

    /// <summary>From where.</summary>
    public IPAddress Remote { get; }

    /// <summary>Cancelled when the stream must end.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Says that there may be a newer policy; never blocks.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _awake, 1) == 0)
        {
            _wake.Release();
        }
    }

    /// <summary>Waits until it is woken; false if that did not happen in time.</summary>
    public async Task<bool> WaitAsync(TimeSpan longest, CancellationToken cancellation)
    {
        if (!await _wake.WaitAsync(longest, cancellation).ConfigureAwait(false))
        {
            return false;
        }

        Volatile.Write(ref _awake, 0);
        return true;
    }

    /// <summary>Ends the stream.</summary>
    public void End() => _ended.Cancel();

    /// <summary>Takes it out of the directory.</summary>
    /// <returns>Whether it was still the workload's stream, and not replaced.</returns>
    public bool Close() => _directory.Disconnect(this);

    /// <inheritdoc/>
    public void Dispose() => Close();
}
