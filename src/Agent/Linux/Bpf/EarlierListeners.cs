using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>Listeners from before the programs that say who accepts: has them told of as well, by way of a process that holds each (pidfd_getfd).</summary>
internal static partial class EarlierListeners
{
    private const nint OpenProcess = 434; // pidfd_open
    private const nint TakeDescriptor = 438; // pidfd_getfd

    /// <summary>Does it, once the programs are attached; one whose holder is gone or may not be asked stays as it is.</summary>
    /// <returns>Those of which it is told from now on who accepts.</returns>
    /// <exception cref="NetlinkException">The kernel refuses.</exception>
    public static List<LocalSocket> Adopt(ConnectionOwners owners, SocketDiagnostics sockets, CgroupTree cgroups)
    {
        var listeners = sockets.Dump(IpProtocol.Tcp, SocketDiagnostics.States(SocketState.Listen)).Where(socket => socket.Inode != 0)
            .GroupBy(socket => socket.Inode).ToDictionary(same => same.Key, same => same.First());
        var adopted = new List<LocalSocket>();
        foreach (var pid in cgroups.AllProcesses())
        {
            if (listeners.Count == 0)
            {
                break;
            }

            foreach (var (descriptor, inode) in SocketsOf(pid))
            {
                if (listeners.Remove(inode, out var listener) && Adopt(owners, pid, descriptor, listener.Cookie))
                {
                    adopted.Add(listener);
                }
            }
        }

        return adopted;
    }

    private static List<(int Descriptor, uint Inode)> SocketsOf(int pid)
    {
        var found = new List<(int, uint)>();
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd");
        using var folder = FolderReader.Open(path);
        if (!folder.IsInvalid)
        {
            FolderReader.Walk(folder, (_, _, name) =>
            {
                var number = Encoding.ASCII.GetString(name[..^1]);
                if (FolderReader.ReadLink($"{path}/{number}") is ['s', 'o', 'c', 'k', 'e', 't', ':', '[', .. var inode, ']'])
                {
                    found.Add((int.Parse(number, CultureInfo.InvariantCulture), uint.Parse(inode, CultureInfo.InvariantCulture)));
                }

                return true;
            });
        }

        return found;
    }

    private static bool Adopt(ConnectionOwners owners, int pid, int descriptor, ulong cookie)
    {
        var process = (int)SystemCall(OpenProcess, pid, 0, 0);
        if (process < 0)
        {
            return false;
        }

        var socket = (int)SystemCall(TakeDescriptor, process, descriptor, 0);
        _ = Libc.Close(process);
        if (socket < 0)
        {
            return false;
        }

        var isAdopted = owners.Adopt(socket, cookie);
        _ = Libc.Close(socket);
        return isAdopted;
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third);
}
