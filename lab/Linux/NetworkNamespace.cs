using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Bulkhead.Lab;

/// <summary>A network namespace that code of this process can enter, one dedicated thread at a time.</summary>
/// <param name="path">A namespace file, such as <c>/proc/1234/ns/net</c>.</param>
public sealed class NetworkNamespace(string path)
{
    /// <summary>The namespace file.</summary>
    public string Path { get; } = path;

    /// <summary>
    /// Runs code on a new thread inside the namespace and returns its result; the thread ends afterwards, so no other
    /// code ever finds itself there. Sockets created inside belong to the namespace for ever, whoever uses them.
    /// </summary>
    /// <exception cref="LabException">The namespace cannot be entered (gone, or no privilege).</exception>
    public T Run<T>(Func<T> code)
    {
        ArgumentNullException.ThrowIfNull(code);
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                RunHere(() => result = code());
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        { IsBackground = true, Name = $"netns {Path}" };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }

    /// <summary>A TCP socket that lives in the namespace.</summary>
    public Socket CreateTcpSocket(AddressFamily family) =>
        Run(() => new Socket(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });

    /// <summary>Runs code in the namespace on the calling thread, which must be one that ends with the code.</summary>
    internal void RunHere(Action code)
    {
        Enter();
        code();
    }

    private void Enter()
    {
        try
        {
            using var file = File.OpenHandle(Path);
            if (Native.Setns(file, Native.CloneNewNet) != 0)
            {
                throw new LabException($"cannot enter {Path}: {Marshal.GetLastPInvokeErrorMessage()}");
            }
        }
        catch (IOException e)
        {
            throw new LabException($"cannot enter {Path}: {e.Message}", e);
        }
    }
}
