using System.Runtime.InteropServices;

namespace Bulkhead.Agent.Linux.Netlink;

/// <summary>The kernel refused a netlink request, or a netlink socket failed.</summary>
/// <param name="operation">What was asked, as a phrase.</param>
/// <param name="errno">The error number.</param>
/// <param name="detail">The kernel's extended message, or null.</param>
public sealed class NetlinkException(string operation, int errno, string? detail = null)
    : IOException($"{operation}: {detail ?? Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})")
{
    /// <summary>The error number; see <see cref="Netlink.Errno"/>.</summary>
    public int Errno { get; } = errno;

    internal static NetlinkException Last(string operation) => new(operation, Marshal.GetLastPInvokeError());
}

/// <summary>The kernel's answer to a request.</summary>
/// <param name="Errno">0 if it was done.</param>
/// <param name="Detail">The kernel's extended message, or null.</param>
/// <param name="Interrupted">For a dump: the kernel's objects changed while it ran, so some may be missing or doubled.</param>
public readonly record struct NetlinkOutcome(int Errno, string? Detail = null, bool Interrupted = false)
{
    /// <summary>Whether it was done.</summary>
    public bool Ok => Errno == 0;

    /// <summary>Throws unless it was done.</summary>
    /// <exception cref="NetlinkException">It was not.</exception>
    public void ThrowIfFailed(string operation)
    {
        if (!Ok)
        {
            throw new NetlinkException(operation, Errno, Detail);
        }
    }
}
