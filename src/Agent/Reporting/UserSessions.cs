using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Linux.Sockets;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Reporting;

/// <summary>
/// Who is signed in: over the network by the sockets that the servers for it hold, at whatever port; on consoles and terminals by utmp. For one caller
/// at a time.
/// </summary>
/// <param name="cgroups">The host's cgroups.</param>
/// <param name="listeners">The host's listeners now.</param>
/// <param name="records">Where utmp is.</param>
internal sealed class UserSessions(CgroupTree cgroups, Func<IReadOnlyList<HostListener>> listeners, string records = LoginRecords.Standard)
{
    private const int Most = 500;

    private readonly ProcessTable _processes = new(cgroups, new UserNames());
    private Dictionary<ulong, ProcessFacts?> _holders = [];

    /// <summary>Those there are now.</summary>
    public IReadOnlyList<UserSession> Read()
    {
        var sessions = OverTheNetwork();
        foreach (var record in LoginRecords.Read(records))
        {
            var at = record.Remote is { } remote ? sessions.FindIndex(session => session.Remote == remote && session.User == record.User && session.Line.Length == 0) : -1;
            if (at >= 0)
            {
                sessions[at] = sessions[at] with { Line = record.Line, Since = record.Since };
            }
            else if (record.Remote is null)
            {
                sessions.Add(new(record.User, record.Line.StartsWith("pts/", StringComparison.Ordinal) ? "terminal" : "console", record.Line, null, 0, record.Since));
            }
        }

        return sessions.Count > Most ? sessions[..Most] : sessions;
    }

    private List<UserSession> OverTheNetwork()
    {
        var sessions = new List<UserSession>();
        var servers = listeners().Where(listener => listener.Protocol == IpProtocol.Tcp && KindOf(listener.Process) is not null)
            .DistinctBy(listener => listener.Port).ToList();
        if (servers.Count == 0)
        {
            return sessions;
        }

        var holders = new Dictionary<ulong, ProcessFacts?>();
        try
        {
            using var sockets = SocketDiagnostics.Open();
            foreach (var server in servers)
            {
                foreach (var socket in sockets.Dump(IpProtocol.Tcp, SocketDiagnostics.States(SocketState.Established), server.Port).Take(Most))
                {
                    var holder = holders[socket.Cookie] = _holders.TryGetValue(socket.Cookie, out var known) && known is { LoginUid: not ProcessFacts.NoLogin } && _processes.Find(known.Pid) == known
                        ? known
                        : _processes.HolderOf(socket.Inode, socket.CgroupId);
                    if (holder is not null)
                    {
                        sessions.Add(new(holder.User, KindOf(server.Process)!, "", socket.Remote, server.Port, 0));
                    }
                }
            }
        }
        catch (NetlinkException)
        {
            // Telemetry, which needs the same of the kernel, says that it is refused.
        }

        _holders = holders;
        return sessions;
    }

    private static string? KindOf(ProcessFacts? process) => Path.GetFileName(process?.Path) switch
    {
        "sshd" or "dropbear" => "ssh",
        "xrdp" => "rdp",
        _ => null,
    };
}
