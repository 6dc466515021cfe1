using System.Runtime.InteropServices;

namespace Bulkhead.Agent.Linux.Processes;

/// <summary>The user that this process acts as.</summary>
internal static partial class UserId
{
    /// <summary>The effective user id; 0 for root.</summary>
    public static uint Effective => GetEffective();

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffective();
}
