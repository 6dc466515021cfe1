using Bulkhead.Lab;
using Bulkhead.Policy.Services;

namespace Bulkhead.Bench.Matrix;

/// <summary>A connection to try.</summary>
/// <param name="From">The consumer.</param>
/// <param name="To">The provider.</param>
/// <param name="IsV6">The family.</param>
/// <param name="Target">What is tried.</param>
/// <param name="By">The process that connects; null for one that the host cannot tell.</param>
internal readonly record struct Probe(LabHost From, LabHost To, bool IsV6, Target Target, Identity? By = null)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{From.Name} {From.Address(IsV6)}{(By is null ? "" : $" ({By.Place} {By.Program} {By.Login}/{By.User})")} → {To.Name} {Target.AddressOf(To, IsV6)} "
        + $"{IpProtocol.NameOf(Target.ProtocolIn(IsV6))}/{Target.RulePort(IsV6)}{(Target.Segment is { } flags ? $" flags {flags:x2}" : "")}";
}
