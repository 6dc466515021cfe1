using System.Runtime.InteropServices;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>Pages of a map of the kernel as memory of this process.</summary>
internal static unsafe partial class MappedPages
{
    private const int ReadOnly = 1;
    private const int ReadWrite = 3;
    private const int Shared = 1;

    /// <summary>Maps them.</summary>
    /// <exception cref="BpfException">There is no memory for it.</exception>
    public static byte* Map(nuint length, int descriptor, nint offset, bool writable)
    {
        var at = MapMemory(null, length, writable ? ReadWrite : ReadOnly, Shared, descriptor, offset);
        return at != (byte*)-1 ? at : throw new BpfException("map pages of a map", -Marshal.GetLastPInvokeError());
    }

    /// <summary>Undoes it.</summary>
    public static void Unmap(byte* at, nuint length) => _ = UnmapMemory(at, length);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial byte* MapMemory(byte* at, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int UnmapMemory(byte* at, nuint length);
}
