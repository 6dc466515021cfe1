using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Enforcement.State;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Agent.Policies;

/// <summary>
/// What other threads learn of the controller's channel, until the policy loop asks for it: answers that came, and packets of the agent's own
/// connections that our table dropped. Counts only what began after the policy in force was applied.
/// </summary>
internal sealed class ChannelEvidence
{
    private readonly Lock _gate = new();
    private readonly Action _wake;
    private long? _answered;
    private (long Began, BlockedPacket Packet)? _cut;

    /// <summary>Begins to collect.</summary>
    /// <param name="own">The agent's connections.</param>
    /// <param name="wake">Called when there is something new.</param>
    public ChannelEvidence(OwnConnections own, Action wake)
    {
        _wake = wake;
        own.Cut = Cut;
    }

    /// <summary>The controller answered a request.</summary>
    /// <param name="began">When the request was made, as the clock's timestamp.</param>
    public void Answered(long began)
    {
        lock (_gate)
        {
            _answered = began;
        }

        _wake();
    }

    /// <summary>What came in since the last call, about what has been in force since a timestamp.</summary>
    public IEnumerable<PolicyEvent> Take(long since)
    {
        (long? answered, (long Began, BlockedPacket Packet)? cut) taken;
        lock (_gate)
        {
            taken = (_answered, _cut);
            (_answered, _cut) = (null, null);
        }

        if (taken.cut is { } cut && cut.Began >= since && !(taken.answered >= cut.Began))
        {
            yield return new PolicyEvent.ChannelCut(cut.Packet.Why, new ControllerEndpoint(cut.Packet.Destination, cut.Packet.Port));
        }
        else if (taken.answered >= since)
        {
            yield return new PolicyEvent.ChannelWorked();
        }
    }

    private void Cut(long began, BlockedPacket packet)
    {
        lock (_gate)
        {
            _cut = (began, packet);
        }

        _wake();
    }
}
