using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy.Evaluate;

namespace Bulkhead.Controller.Traffic;

/// <summary>What kernels did with the newest attempts of an edge.</summary>
/// <param name="Kind">Blocked if an end stopped them; else what the policy in force says of a connection that passed.</param>
/// <param name="BlockedAt">The end that stopped them, or null.</param>
/// <param name="BlockedBy">What stopped them, as that end's agent says.</param>
public readonly record struct ReportedVerdict(VerdictKind Kind, FlowSide? BlockedAt, long BlockedBy)
{
    /// <summary>Reads an edge, of which the policy in force says <paramref name="enforced"/>.</summary>
    public static ReportedVerdict Of(Edge edge, Verdict enforced)
    {
        ref readonly var source = ref edge.At(FlowSide.Source);
        ref readonly var destination = ref edge.At(FlowSide.Destination);
        if (destination.IsBlocked)
        {
            return new(VerdictKind.Blocked, FlowSide.Destination, destination.BlockedBy);
        }

        // What has since arrived at the provider has passed the consumer, though its agent may have fallen silent.
        if (source.IsBlocked && source.LastBlocked >= destination.LastPassed)
        {
            return new(VerdictKind.Blocked, FlowSide.Source, source.BlockedBy);
        }

        // It passed before the policy in force applied, and nobody has tried since.
        return new(enforced.Kind == VerdictKind.Blocked ? VerdictKind.PotentiallyBlocked : enforced.Kind, null, 0);
    }
}
