using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Agent.Linux;

/// <summary>Gives files to others.</summary>
internal static partial class FileOwner
{
    private const uint Unchanged = uint.MaxValue;

    /// <summary>Makes a user the owner of an open file.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public static void Change(SafeFileHandle file, uint uid)
    {
        if (Fchown(file, uid, Unchanged) != 0)
        {
            throw new IOException($"The file cannot be given to user {uid}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }
    }

    [LibraryImport("libc", EntryPoint = "fchown", SetLastError = true)]
    private static partial int Fchown(SafeFileHandle file, uint owner, uint group);
}
