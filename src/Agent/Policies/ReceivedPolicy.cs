using Bulkhead.Policy.Compile;
using Wire = Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>A host policy in both forms: as it came, to be kept on disk unchanged, and checked, to be enforced.</summary>
internal sealed record ReceivedPolicy(Wire.HostPolicy Wire, HostPolicy Policy);
