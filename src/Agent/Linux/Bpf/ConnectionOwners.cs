using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>
/// The programs that say who makes each connection, when it is made (Bpf/owners.bpf.c). They are linked to the host's cgroup and tell of sockets of one network
/// namespace; the kernel takes them off when this process ends, however it ends. For one thread.
/// </summary>
internal sealed unsafe class ConnectionOwners : IDisposable
{
    private const int RingSize = 1 << 20;

    private static readonly string[] _programs =
    [
        "bulkhead_tcp", "bulkhead_to4", "bulkhead_to6", "bulkhead_msg4", "bulkhead_msg6", "bulkhead_bind4", "bulkhead_bind6", "bulkhead_open", "bulkhead_close", "bulkhead_peer4", "bulkhead_peer6",
    ];

    // Kernels before 5.11 do not take it; whoever accepts is then told only by asking for the peer, or by closing.
    private const string Reader = "bulkhead_read";

    private const int MostPasses = 64;

    private readonly BpfObject _object;
    private readonly List<nint> _links = [];
    private readonly EventRing _ring;
    private readonly Counters _counts;
    private readonly int _facts;
    private readonly int _takers;
    private readonly int _taken;
    private readonly int _held;

    private ConnectionOwners(BpfObject loaded)
    {
        _object = loaded;
        _facts = loaded.Map<OwnerFacts>("bulkhead_facts");
        (_takers, _taken, _held) = (loaded.Map<Takers>("bulkhead_takers"), loaded.Map<Taken>("bulkhead_taken"), loaded.Map<Held>("bulkhead_held"));
        _counts = new(loaded.Map("bulkhead_counts"), 2);
        _ring = new(loaded.Map("bulkhead_ring"), RingSize);
    }

    /// <summary>What poll(2) is to be asked about it: ready once there is much to read.</summary>
    public int Descriptor => _ring.Descriptor;

    /// <summary>Events that the full ring did not take, since they were attached; up to this moment.</summary>
    public ulong Lost => _counts[0];

    /// <summary>Events of sockets of several processes that were not told, lest one socket fills the ring; likewise.</summary>
    public ulong HeldBack => _counts[1];

    /// <summary>Attaches them to a cgroup, for sockets of the calling thread's network namespace.</summary>
    /// <param name="cgroup">The cgroup's folder.</param>
    /// <exception cref="BpfException">The kernel cannot do it, or does not permit it.</exception>
    /// <exception cref="DllNotFoundException">There is no libbpf.</exception>
    public static ConnectionOwners Attach(string cgroup)
    {
        var owners = new ConnectionOwners(Load(out var reads));
        try
        {
            var here = new Settings { Network = CookieOfNetwork(), Pids = NumberOf("/proc/self/ns/pid") };
            new BpfMap<uint, Settings>(owners._object.Map<Settings>("bulkhead_here")).Set(0, here);
            using var handle = FolderReader.Open(cgroup);
            foreach (var program in _programs)
            {
                owners._links.Add(owners._object.Link(program, handle));
            }

            if (reads)
            {
                owners._links.Add(owners._object.Link(Reader));
            }

            return owners;
        }
        catch
        {
            owners.Dispose();
            throw;
        }
    }

    private static BpfObject Load(out bool reads)
    {
        try
        {
            reads = true;
            return BpfObject.Load("owners.bpf.o");
        }
        catch (BpfException)
        {
            reads = false;
            return BpfObject.Load("owners.bpf.o", without: Reader);
        }
    }

    /// <summary>Gives the events that there are to a handler; not without end where they come faster than that.</summary>
    public void Read(RingRecord handler)
    {
        for (var i = 0; i < MostPasses && _ring.Read(handler) > 0; i++)
        {
        }
    }

    /// <summary>The identities of which something is known at this moment, as far as they stay meanwhile.</summary>
    public IEnumerable<OwnerIdentity> Known()
    {
        for (OwnerIdentity? at = null; Next(at) is { } next; at = next)
        {
            yield return next;
        }
    }

    private OwnerIdentity? Next(OwnerIdentity? after)
    {
        var from = after.GetValueOrDefault();
        OwnerIdentity next;
        return Libbpf.NextKey(_facts, after is null ? null : &from, &next) == 0 ? next : null;
    }

    /// <summary>Has who accepts from a listener told that is older than the programs. Does nothing to one that they know.</summary>
    /// <param name="socket">A descriptor of it.</param>
    /// <param name="cookie">Its cookie.</param>
    /// <returns>Whether it is told from now on.</returns>
    public bool Adopt(int socket, ulong cookie)
    {
        const ulong onlyNew = 1; // BPF_NOEXIST
        var taken = new Taken { Listener = cookie };
        var held = new Held { Protocol = IpProtocol.Tcp, Open = 1 };
        var takers = default(Takers);
        if (Libbpf.Update(_takers, &cookie, &takers, onlyNew) != 0)
        {
            return false;
        }

        return Libbpf.Update(_taken, &socket, &taken, onlyNew) == 0 && Libbpf.Update(_held, &socket, &held, onlyNew) == 0;
    }

    /// <summary>What is known of an identity; false if that is forgotten already, or still being found out.</summary>
    public bool TryFind(OwnerIdentity who, out OwnerFacts facts)
    {
        OwnerFacts found;
        var known = Libbpf.Lookup(_facts, &who, &found) == 0;
        facts = found;
        return known && !facts.Path.IsEmpty;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _links.ForEach(Libbpf.Unlink);
        _links.Clear();
        _ring.Dispose();
        _counts.Dispose();
        _object.Dispose();
    }

    private static uint NumberOf(string path) =>
        FolderReader.ReadLink(path) is { } link && uint.TryParse(link[(link.IndexOf('[', StringComparison.Ordinal) + 1)..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new BpfException("read a namespace", -Errno.NoEntry, path);

    private static ulong CookieOfNetwork()
    {
        const int soNetnsCookie = 71;
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        ulong cookie;
        uint length = sizeof(ulong);
        return Netlink.Libc.GetSockOpt(socket.SafeHandle, Netlink.Libc.SolSocket, soNetnsCookie, &cookie, &length) == 0
            ? cookie
            : throw new BpfException("read the network namespace's cookie, which takes a kernel of 5.14 or newer", -Marshal.GetLastPInvokeError());
    }

    /// <summary>struct taken.</summary>
    private struct Taken
    {
        public OwnerIdentity Who;
        public ulong Listener;
        public ulong Flags;
    }

    /// <summary>struct takers.</summary>
    private struct Takers
    {
        public OwnerIdentity Maker;
        public ulong Seen;
    }

    /// <summary>struct held.</summary>
    private struct Held
    {
        public OwnerIdentity Who;
        public ulong Second;
        public uint Told;
        public byte Protocol;
        public byte Open;
        public byte Sends;
        public byte Shared;
    }

    /// <summary>struct settings.</summary>
    private struct Settings
    {
        public ulong Network;
        public uint Pids;
    }
}
