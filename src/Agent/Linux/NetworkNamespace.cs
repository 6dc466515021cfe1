using System.ComponentModel;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Bulkhead.Agent.Linux;

/// <summary>
/// The network namespace of the thread that made it. Continuations may find themselves in another, and what would change the firewall there must not:
/// such work goes through <see cref="Run"/>.
/// </summary>
internal sealed partial class NetworkNamespace : IDisposable
{
    private const string Here = "/proc/thread-self/ns/net";
    private const int CloneNewNet = 0x40000000;

    private readonly SafeHandle _handle = File.OpenHandle(Here);
    private readonly string? _name = NameHere();

    /// <summary>Does work in the namespace: on the calling thread if it is there, else on one of its own.</summary>
    /// <exception cref="Win32Exception">It cannot be entered from elsewhere; that takes CAP_SYS_ADMIN.</exception>
    public T Run<T>(Func<T> work)
    {
        if (NameHere() == _name)
        {
            return work();
        }

        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                if (SetNs(_handle, CloneNewNet) != 0)
                {
                    throw new Win32Exception(Marshal.GetLastPInvokeError());
                }

                result = work();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    /// <summary>Such as <c>net:[4026531833]</c>.</summary>
    private static string? NameHere() => new FileInfo(Here).LinkTarget;

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNs(SafeHandle fd, int kind);
}
