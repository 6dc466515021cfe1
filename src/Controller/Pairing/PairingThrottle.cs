using System.Net;
using Bulkhead.Controller.Access;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Controller.Pairing;

/// <summary>Slows down whoever tries to pair in vain: after <see cref="Burst"/> refusals a source must wait until a minute has passed since the first.</summary>
public sealed class PairingThrottle(TimeProvider time)
{
    /// <summary>Refusals of one source in a window.</summary>
    public const int Burst = 20;

    private readonly AttemptWindows<IpPrefix> _refusals = new(time);

    /// <summary>How long a source must wait; zero if it may try.</summary>
    public TimeSpan Wait(IPAddress source) => _refusals.Wait(Sources.Of(source), Burst);

    /// <summary>Counts a refusal.</summary>
    public void Refused(IPAddress source) => _refusals.Add(Sources.Of(source));
}
