using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Firewall.Tests;

/// <summary>
/// A network namespace without a name: it is gone when the process is, whatever happens. Threads enter it for one piece of work;
/// sockets and children that they open there stay there.
/// </summary>
public sealed partial class NetworkNamespace : IDisposable
{
    private const int CloneNewNet = 0x40000000;

    private readonly SafeFileHandle _handle;

    private NetworkNamespace(SafeFileHandle handle) => _handle = handle;

    /// <summary>A path that names it to ip(8).</summary>
    public string Path => $"/proc/{Environment.ProcessId}/fd/{_handle.DangerousGetHandle()}";

    /// <summary>Creates one, with its loopback interface up.</summary>
    public static NetworkNamespace Create()
    {
        NetworkNamespace? created = null;
        OnThread<object?>(() =>
        {
            Check(Unshare(CloneNewNet), "create a network namespace: these tests need root");
            created = new(File.OpenHandle("/proc/thread-self/ns/net"));
            return null;
        });
        created!.Run("ip", "link", "set", "lo", "up");
        return created;
    }

    /// <summary>Does work on a thread within it.</summary>
    public T Inside<T>(Func<T> work) => OnThread(() =>
    {
        Check(SetNs(_handle, CloneNewNet), "enter a network namespace");
        return work();
    });

    /// <summary>Runs a command within it to its end; returns what it wrote.</summary>
    public string Run(string command, params string[] arguments) => RunWith(null, command, arguments);

    /// <summary>Runs a script of nft within it.</summary>
    public void Nft(string script) => RunWith(script, "nft", "-f", "-");

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private string RunWith(string? input, string command, params string[] arguments) => Inside(() =>
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{command} {string.Join(' ', arguments)}: {errors.GetAwaiter().GetResult()}{input}");
        return output;
    });

    private static T OnThread<T>(Func<T> work)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
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

    private static void Check(int result, string what) =>
        Assert.True(result == 0, $"{what} ({Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())})");

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNs(SafeHandle fd, int kind);
}
