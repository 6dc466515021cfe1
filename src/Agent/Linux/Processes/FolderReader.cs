using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Agent.Linux.Processes;

/// <summary>Is given each entry of a folder but <c>.</c> and <c>..</c>; false ends the walk.</summary>
/// <param name="inode">The inode that the entry names.</param>
/// <param name="isFolder">Whether it is a folder.</param>
/// <param name="name">Its name with a terminating zero.</param>
internal delegate bool FolderEntry(ulong inode, bool isFolder, ReadOnlySpan<byte> name);

/// <summary>
/// Folders of /proc and the cgroup tree, read without a string or a stat for each entry: a host has thousands of descriptors, and
/// naming a connection's process looks through some of them.
/// </summary>
internal static unsafe partial class FolderReader
{
    private const int OpenFolder = 0x10000 | 0x80000; // O_RDONLY | O_DIRECTORY | O_CLOEXEC
    private const int NameOffset = 19; // struct linux_dirent64: inode, offset, record length, type, name
    private const byte TypeFolder = 4;

    /// <summary>Opens a folder; the handle is invalid if there is none, or none that may be read.</summary>
    public static SafeFileHandle Open(string path) => new(OpenAt(path, OpenFolder), true);

    /// <summary>Walks the entries; false if the folder cannot be read.</summary>
    public static bool Walk(SafeFileHandle folder, FolderEntry visit)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            while (true)
            {
                int length;
                fixed (byte* at = buffer)
                {
                    length = (int)GetEntries(folder, at, (nuint)buffer.Length);
                }

                if (length <= 0)
                {
                    return length == 0;
                }

                for (var at = 0; at < length;)
                {
                    var record = MemoryMarshal.Read<ushort>(buffer.AsSpan(at + 16));
                    var entry = buffer.AsSpan(at, record);
                    var name = entry[NameOffset..(NameOffset + entry[NameOffset..].IndexOf((byte)0) + 1)];
                    if (!name.SequenceEqual(".\0"u8) && !name.SequenceEqual("..\0"u8)
                        && !visit(MemoryMarshal.Read<ulong>(entry), entry[18] == TypeFolder, name))
                    {
                        return true;
                    }

                    at += record;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Whether a symbolic link in a folder says exactly this.</summary>
    public static bool LinkIs(SafeFileHandle folder, ReadOnlySpan<byte> name, ReadOnlySpan<byte> target)
    {
        Span<byte> buffer = stackalloc byte[64];
        fixed (byte* path = name, at = buffer)
        {
            var length = (int)ReadLinkAt(folder, path, at, (nuint)buffer.Length);
            return length == target.Length && buffer[..length].SequenceEqual(target);
        }
    }

    /// <summary>What a symbolic link says, or null if it cannot be read.</summary>
    public static string? ReadLink(string path)
    {
        var buffer = stackalloc byte[4096];
        var length = (int)ReadLinkOf(path, buffer, 4096);
        return length < 0 ? null : Encoding.UTF8.GetString(buffer, length);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenAt(string path, int flags);

    [LibraryImport("libc", EntryPoint = "getdents64", SetLastError = true)]
    private static partial nint GetEntries(SafeFileHandle folder, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    private static partial nint ReadLinkAt(SafeFileHandle folder, byte* path, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "readlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint ReadLinkOf(string path, byte* buffer, nuint length);
}
