using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Telemetry;

/// <summary>A socket that takes connections or datagrams, or sends to whomever, as our programs told of it.</summary>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Port">Its port, or 0.</param>
/// <param name="Local">Its address; the zero address for any.</param>
/// <param name="Process">Whose it is; null if nothing is known of whom, or of none alone.</param>
/// <param name="IsKernel">Whether it is the kernel's own.</param>
/// <param name="Who">Who told.</param>
/// <param name="OnlyV6">Whether it takes nothing of IPv4.</param>
/// <param name="Window">The window in which it was told.</param>
/// <param name="TakesItself">Whether its maker was seen accepting.</param>
/// <param name="IsTakenByOthers">Whether somebody else was.</param>
/// <param name="IsEarlier">Whether it is from before our programs.</param>
internal readonly record struct OpenSocket(
    byte Protocol, ushort Port, IpAddress Local, ProcessFacts? Process, bool IsKernel, OwnerIdentity Who,
    bool OnlyV6, int Window, bool TakesItself = false, bool IsTakenByOthers = false, bool IsEarlier = false)
{
    /// <summary>Whether it takes what comes to a local end; one at all IPv6 addresses that of IPv4 as well, unless it was told not to.</summary>
    public bool TakesAt(IpAddress local) => Local == local || (Local.Bits == 0 && (Local.IsV6 ? local.IsV6 || !OnlyV6 : !local.IsV6));

    public Maker Maker => IsKernel || Process is not null ? new(true, Process) : default;
}
