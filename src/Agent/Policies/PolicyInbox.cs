using Wire = Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>What came to the policy loop and was not looked at yet. Everything but what takes it out is for any thread.</summary>
/// <param name="signal">Is set when something comes.</param>
internal sealed class PolicyInbox(Signal signal)
{
    private readonly Lock _lock = new();
    private Wire.HostPolicy? _whole;
    private List<Wire.PolicyDelta> _deltas = [];
    private string? _tamperedBy;
    private string? _programs;
    private int _doubted;
    private int _lostConnections;
    private int _otherCgroups;
    private TaskCompletionSource _coming = New();

    /// <summary>Done once the controller has sent something that was not taken out.</summary>
    public Task Coming
    {
        get
        {
            lock (_lock)
            {
                return _coming.Task;
            }
        }
    }

    /// <summary>A policy from the controller: only the newest matters, and nothing that came before it.</summary>
    public void Offer(Wire.HostPolicy whole)
    {
        lock (_lock)
        {
            (_whole, _deltas) = (whole, []);
            _coming.TrySetResult();
        }

        signal.Set();
    }

    /// <summary>A change of the policy that came last: each matters.</summary>
    public void Offer(Wire.PolicyDelta delta)
    {
        lock (_lock)
        {
            _deltas.Add(delta);
            _coming.TrySetResult();
        }

        signal.Set();
    }

    /// <summary>Somebody else changed our table.</summary>
    public void ReportTampering(string by)
    {
        Volatile.Write(ref _tamperedBy, by);
        signal.Set();
    }

    /// <summary>Somebody else changed the programs that stamp sockets.</summary>
    public void ReportPrograms(string what)
    {
        Volatile.Write(ref _programs, what);
        signal.Set();
    }

    /// <summary>Somebody may have changed our table unnoticed.</summary>
    public void ReportDoubt() => Raise(ref _doubted);

    /// <summary>Conntrack lost connections, so that live sockets must be judged and admitted again.</summary>
    public void ReportLostConnections() => Raise(ref _lostConnections);

    /// <summary>The host's cgroups are others now, or somebody's groups: owners of sockets have to be told apart anew.</summary>
    public void ReportOwners() => Raise(ref _otherCgroups);

    /// <summary>Takes out what the controller sent; at most one whole policy, and the deltas behind it.</summary>
    public (Wire.HostPolicy? Whole, IReadOnlyList<Wire.PolicyDelta> Deltas) TakePolicies()
    {
        lock (_lock)
        {
            var taken = (_whole, _deltas);
            (_whole, _deltas) = (null, []);
            _coming = _coming.Task.IsCompleted ? New() : _coming;
            return taken;
        }
    }

    /// <summary>Takes out who changed our table, and whether that is in doubt.</summary>
    public (string? By, bool Doubted) TakeTampering() => (Interlocked.Exchange(ref _tamperedBy, null), Interlocked.Exchange(ref _doubted, 0) != 0);

    /// <summary>Takes out what was changed of the programs that stamp sockets; null for nothing.</summary>
    public string? TakePrograms() => Interlocked.Exchange(ref _programs, null);

    /// <summary>Takes out whether connections were lost.</summary>
    public bool TakeLostConnections() => Interlocked.Exchange(ref _lostConnections, 0) != 0;

    /// <summary>Takes out whether the cgroups are others.</summary>
    public bool TakeCgroups() => Interlocked.Exchange(ref _otherCgroups, 0) != 0;

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Raise(ref int flag)
    {
        Interlocked.Exchange(ref flag, 1);
        signal.Set();
    }
}
