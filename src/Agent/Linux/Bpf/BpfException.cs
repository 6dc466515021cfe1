using System.Runtime.InteropServices;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>libbpf or the kernel refused something that has to do with eBPF.</summary>
/// <param name="what">What was tried.</param>
/// <param name="result">The negative error number.</param>
/// <param name="detail">More of it, or empty.</param>
internal sealed class BpfException(string what, int result, string detail = "")
    : Exception($"eBPF: cannot {what}: {Marshal.GetPInvokeErrorMessage(-result)}{(detail.Length == 0 ? "" : $" ({detail})")}")
{
    /// <summary>The result if it is none of an error.</summary>
    /// <exception cref="BpfException">It is.</exception>
    public static int Check(int result, string what) => result >= 0 ? result : throw new BpfException(what, result);
}
