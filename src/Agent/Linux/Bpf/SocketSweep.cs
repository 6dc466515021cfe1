using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Enforcement.Marks;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>
/// Stamps the sockets that processes hold already: those from before the programs, and those of executables that a rule has named since. A socket
/// whose holders are of different classes keeps the stamp of the one who made it, or is unidentified if it has none of theirs. One that cannot be stamped
/// is told; it stays as it is, and met by no rule for an owner if it never had a stamp.
/// </summary>
internal sealed unsafe partial class SocketSweep(CgroupTree tree, SocketStamps stamps, OwnerReader owners)
{
    private const nint OpenProcess = 434; // pidfd_open
    private const nint TakeDescriptor = 438; // pidfd_getfd
    private const int Mark = 36;
    private const int Domain = 39;
    private const int Inet = 2;
    private const int Inet6 = 10;
    private const int NoSuchProcess = 3; // ESRCH
    private const int BadDescriptor = 9; // EBADF
    private const int NotSocket = 88; // ENOTSOCK
    private const int Tries = 3;

    /// <summary>Does it.</summary>
    /// <returns>Why sockets could not be stamped that their processes still hold; none if all could.</returns>
    public List<string> Run()
    {
        var holders = new Dictionary<ulong, (int Pid, int Descriptor, HashSet<uint> Marks)>();
        foreach (var pid in tree.AllProcesses())
        {
            if (owners.Of(pid) is { } owner)
            {
                Collect(pid, MarkOf(owner), holders);
            }
        }

        var left = holders.Values.ToList();
        var failures = new List<string>();
        for (var i = 0; i < Tries && left.Count > 0; i++)
        {
            failures.Clear();
            left.RemoveAll(socket =>
            {
                var failure = Stamp(socket.Pid, socket.Descriptor, socket.Marks);
                failures.AddRange(failure is null ? [] : [failure]);
                return failure is null;
            });
        }

        return failures;
    }

    private uint MarkOf(SocketOwner owner) =>
        stamps.Table.Of(owner) is var mark and not 0 ? mark : stamps.Table.Of(owner with { Path = null });

    private static void Collect(int pid, uint mark, Dictionary<ulong, (int Pid, int Descriptor, HashSet<uint> Marks)> holders)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd");
        using var folder = FolderReader.Open(path);
        if (folder.IsInvalid)
        {
            return;
        }

        FolderReader.Walk(folder, (_, _, name) =>
        {
            var number = Encoding.ASCII.GetString(name[..^1]);
            if (FolderReader.ReadLink($"{path}/{number}") is ['s', 'o', 'c', 'k', 'e', 't', ':', '[', .. var inode, ']'])
            {
                ref var held = ref CollectionsMarshal.GetValueRefOrAddDefault(holders, ulong.Parse(inode, CultureInfo.InvariantCulture), out var known);
                if (!known)
                {
                    held = (pid, int.Parse(number, CultureInfo.InvariantCulture), []);
                }

                held.Marks.Add(mark);
            }

            return true;
        });
    }

    /// <summary>Why a socket could not be stamped; null if it is, or need not be, or is gone.</summary>
    private string? Stamp(int pid, int descriptor, HashSet<uint> marks)
    {
        var process = (int)SystemCall(OpenProcess, pid, 0, 0);
        if (process < 0)
        {
            return Failure("open", pid, NoSuchProcess);
        }

        var socket = (int)SystemCall(TakeDescriptor, process, descriptor, 0);
        var refusal = socket < 0 ? Failure("take a socket of", pid, NoSuchProcess, BadDescriptor) : null;
        _ = Libc.Close(process);
        if (socket < 0)
        {
            return refusal;
        }

        try
        {
            var mask = stamps.Table.Mask;
            if (Read(socket, Domain) is not { } domain || Read(socket, Mark) is not { } before)
            {
                return Failure("read a socket of", pid, NotSocket);
            }

            if (domain is not (Inet or Inet6) || marks.Contains((uint)before & mask))
            {
                return null;
            }

            var mark = marks.Count == 1 ? marks.Single() : stamps.Table.Of(SocketOwner.Unidentified);
            var write = new StampWrite { Mark = ((uint)before & ~mask) | mark, Secret = stamps.Secret };
            return SetOption(socket, Libc.SolSocket, Mark, &write, (uint)sizeof(StampWrite)) == 0 ? null : Failure("stamp a socket of", pid);
        }
        finally
        {
            _ = Libc.Close(socket);
        }
    }

    private static string? Failure(string what, int pid, params ReadOnlySpan<int> gone) => Marshal.GetLastPInvokeError() is var error && gone.Contains(error)
        ? null
        : string.Create(CultureInfo.InvariantCulture, $"cannot {what} process {pid}: {Marshal.GetPInvokeErrorMessage(error)}");

    private static int? Read(int socket, int option)
    {
        int value;
        var length = (uint)sizeof(int);
        return GetOption(socket, Libc.SolSocket, option, &value, &length) == 0 ? value : null;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    private static partial int GetOption(int socket, int level, int option, void* value, uint* length);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetOption(int socket, int level, int option, void* value, uint length);

    /// <summary>struct write.</summary>
    private struct StampWrite
    {
        public uint Mark;
        public uint Unused;
        public ulong Secret;
    }
}
