using System.Collections.Immutable;
using Bulkhead.Policy.Compile;
using Google.Protobuf;
using Wire = Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>A host policy in both forms: as it came, to be kept on disk unchanged, and checked, to be enforced.</summary>
/// <param name="Policy">To be enforced.</param>
/// <param name="Marker">Of it, what <see cref="PolicyCache"/> keeps apart.</param>
/// <param name="Whole">The bytes of the last whole policy that came.</param>
/// <param name="Changes">The bytes of the deltas that came since, in order.</param>
internal sealed record ReceivedPolicy(HostPolicy Policy, Wire.HostPolicy Marker, byte[] Whole, ImmutableArray<byte[]> Changes)
{
    /// <summary>As many deltas as are kept before a whole policy is better asked for.</summary>
    public const int MostChanges = 2000;

    /// <summary>Whether it is time to ask for a whole policy.</summary>
    public bool IsLong => Changes.Length >= MostChanges;

    /// <summary>A whole policy, and what was decoded from it.</summary>
    public static ReceivedPolicy Of(Wire.HostPolicy wire, HostPolicy policy) => new(policy, PolicyCache.MarkerOf(wire), wire.ToByteArray(), []);

    /// <summary>The policy after a delta; null if it does not fit.</summary>
    public ReceivedPolicy? With(Wire.PolicyDelta delta) =>
        DeltaDecoder.Apply(Policy, delta) is { } policy ? this with { Policy = policy, Changes = Changes.Add(delta.ToByteArray()) } : null;
}
