using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Enforcement.Marks;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>
/// Stamps the sockets that processes hold already: those from before the programs, and those of executables that a rule has named since. A socket
/// whose holders are of different classes keeps the stamp of the one who made it, or is unidentified if it has none of theirs.
/// </summary>
internal sealed unsafe partial class SocketSweep(CgroupTree tree, SocketStamps stamps, OwnerReader owners)
{
    private const nint OpenProcess = 434; // pidfd_open
    private const nint TakeDescriptor = 438; // pidfd_getfd
    private const int Mark = 36;
    private const int Domain = 39;
    private const int Inet = 2;
    private const int Inet6 = 10;

    /// <summary>Does it.</summary>
    public void Run()
    {
        var holders = new Dictionary<ulong, (int Pid, int Descriptor, HashSet<uint> Marks)>();
        foreach (var pid in tree.AllProcesses())
        {
            if (owners.Of(pid) is { } owner)
            {
                Collect(pid, MarkOf(owner), holders);
            }
        }

        foreach (var (pid, descriptor, marks) in holders.Values)
        {
            Stamp(pid, descriptor, marks);
        }
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

    private void Stamp(int pid, int descriptor, HashSet<uint> marks)
    {
        var process = (int)SystemCall(OpenProcess, pid, 0, 0);
        var socket = process < 0 ? -1 : (int)SystemCall(TakeDescriptor, process, descriptor, 0);
        _ = process < 0 ? 0 : Libc.Close(process);
        if (socket < 0)
        {
            return;
        }

        try
        {
            var mask = stamps.Table.Mask;
            if (Read(socket, Domain) is not (Inet or Inet6) || Read(socket, Mark) is not { } before || marks.Contains((uint)before & mask))
            {
                return;
            }

            var mark = marks.Count == 1 ? marks.Single() : stamps.Table.Of(SocketOwner.Unidentified);
            var write = new StampWrite { Mark = ((uint)before & ~mask) | mark, Secret = stamps.Secret };
            _ = SetOption(socket, Libc.SolSocket, Mark, &write, (uint)sizeof(StampWrite));
        }
        finally
        {
            _ = Libc.Close(socket);
        }
    }

    private static int? Read(int socket, int option)
    {
        int value;
        var length = (uint)sizeof(int);
        return GetOption(socket, Libc.SolSocket, option, &value, &length) == 0 ? value : null;
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third);

    [LibraryImport("libc", EntryPoint = "getsockopt")]
    private static partial int GetOption(int socket, int level, int option, void* value, uint* length);

    [LibraryImport("libc", EntryPoint = "setsockopt")]
    private static partial int SetOption(int socket, int level, int option, void* value, uint length);

    /// <summary>struct write.</summary>
    private struct StampWrite
    {
        public uint Mark;
        public uint Unused;
        public ulong Secret;
    }
}
