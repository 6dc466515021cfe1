using Wire = Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>What came from the controller and was not looked at yet: at most one whole policy, and the deltas behind it. For any threads.</summary>
internal sealed class PolicyInbox
{
    private readonly Lock _lock = new();
    private Wire.HostPolicy? _whole;
    private List<Wire.PolicyDelta> _deltas = [];

    /// <summary>Only the newest whole policy matters, and nothing that came before it.</summary>
    public void Put(Wire.HostPolicy whole)
    {
        lock (_lock)
        {
            (_whole, _deltas) = (whole, []);
        }
    }

    /// <summary>Each delta matters.</summary>
    public void Put(Wire.PolicyDelta delta)
    {
        lock (_lock)
        {
            _deltas.Add(delta);
        }
    }

    /// <summary>Takes all out.</summary>
    public (Wire.HostPolicy? Whole, IReadOnlyList<Wire.PolicyDelta> Deltas) Take()
    {
        lock (_lock)
        {
            var taken = (_whole, _deltas);
            (_whole, _deltas) = (null, []);
            return taken;
        }
    }
}
