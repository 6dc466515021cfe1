using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Enforcement.Marks;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>Who owns the host's sockets, as far as rules ask: by cgroup, and by the stamps of our programs.</summary>
internal sealed class SocketOwners : IDisposable
{
    private readonly UnitCgroups _units;
    private readonly GroupWatch _groups;
    private readonly SocketStamps? _stamps;
    private readonly SocketSweep? _sweep;
    private IReadOnlyDictionary<uint, EquatableArray<string>> _users = new Dictionary<uint, EquatableArray<string>>();
    private IReadOnlyDictionary<uint, EquatableArray<string>> _stamped = new Dictionary<uint, EquatableArray<string>>();

    /// <summary>Tries what the kernel can do; nothing changes before <see cref="Put"/>.</summary>
    /// <param name="tree">The host's part of the cgroup tree; another than what other threads use.</param>
    /// <param name="mask">The bits of marks that are ours.</param>
    /// <param name="groups">Who is in which group; null for the host's name service.</param>
    public SocketOwners(CgroupTree tree, uint mask = MarkTable.DefaultMask, GroupReader? groups = null)
    {
        Mask = mask;
        _units = new(tree);
        // Read by a thread of its own.
        _groups = new(tree.Copy(), groups ?? UserDirectory.Read);
        try
        {
            _stamps = SocketStamps.Load(tree.Root, mask);
            _sweep = new(tree, _stamps, new(user => _users.TryGetValue(user, out var of) ? of : []));
        }
        catch (Exception refused) when (refused is BpfException or DllNotFoundException or EntryPointNotFoundException)
        {
            Refusal = refused.Message;
        }
    }

    /// <summary>The bits of marks that are ours.</summary>
    public uint Mask { get; }

    /// <summary>Why sockets cannot be stamped here, or null.</summary>
    public string? Refusal { get; }

    /// <summary>Why sockets that there are could not be stamped when that was last tried; empty if all could.</summary>
    public IReadOnlyList<string> Unstamped { get; private set; } = [];

    /// <summary>What stamps mean; null if there are none.</summary>
    public MarkTable? Marks => _stamps?.Table;

    /// <summary>The host's cgroups now; null if rules cannot name them.</summary>
    public HostCgroups? Cgroups() => _units.Read();

    /// <summary>Begins to tell of cgroups that come and go, and of changes of groups.</summary>
    public IDisposable Watch(Action changed, TimeProvider time)
    {
        var (units, groups) = (_units.Watch(changed, time), _groups.Watch(changed, time));
        return new Registration(() =>
        {
            units.Dispose();
            groups.Dispose();
        });
    }

    /// <summary>A table with a class for every owner that two policies tell apart; null if there are too many for the mask.</summary>
    /// <param name="policy">The one to come.</param>
    /// <param name="current">The one in force, or null.</param>
    /// <exception cref="IOException">It cannot be found out who is in the groups that they name.</exception>
    public MarkTable? Plan(HostPolicy policy, HostPolicy? current)
    {
        HostPolicy[] policies = current is null ? [policy] : [policy, current];
        _users = _groups.Members(policies.SelectMany(p => p.Entries).SelectMany(e => e.Users).Distinct().Order(StringComparer.Ordinal).ToEquatableArray());
        var sets = _users.Values.Distinct().OrderBy(set => string.Join('\n', set), StringComparer.Ordinal).ToArray();
        var needed = MarkTable.Owners(policy, sets);
        if (_stamps!.Table.With(needed) is { } enough)
        {
            return enough;
        }

        // What neither policy tells apart makes room, once no socket carries it any more.
        Put(_stamps.Table.Only(policies.SelectMany(p => MarkTable.Owners(p, sets)).ToEquatableArray()));
        return _stamps.Table.With(needed);
    }

    /// <summary>Whether sockets are stamped by a table already.</summary>
    public bool StampsBy(MarkTable table) => _stamps is { Attached: true } stamps && stamps.Table == table && GroupWatch.Same(_users, _stamped);

    /// <summary>Has new sockets stamped by a table, and then those that there are.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public void Put(MarkTable table)
    {
        // Classes are known before anybody is of one; but programs are attached once they know everything.
        if (!_stamps!.Attached)
        {
            _stamps.PutUsers(_users);
        }

        _stamps.Put(table);
        _stamps.PutUsers(_users);
        _stamped = _users;
        Sweep();
    }

    /// <summary>Stamps the sockets that there are and bear no right stamp.</summary>
    public void Sweep() => Unstamped = _sweep!.Run();

    /// <summary>What others changed of what stamps sockets, in words; empty if nothing. It is put right by the next <see cref="Put"/>.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public IReadOnlyList<string> Examine() => _stamps?.Examine() ?? [];

    /// <summary>Stamps nothing and refuses no mark until the next <see cref="Put"/>.</summary>
    /// <exception cref="BpfException">The kernel refuses.</exception>
    public void TakeOff()
    {
        _stamps?.TakeOff();
        Unstamped = [];
    }

    /// <summary>Whose sockets are, by what was read of them; the cgroups are read now.</summary>
    public Func<LocalSocket, SocketFacts> Facts()
    {
        var units = Cgroups()?.Units();
        return socket =>
        {
            var unit = units?.GetValueOrDefault(socket.CgroupId);
            var owner = Marks?.OwnerOf(socket.Mark);
            return owner is { Identified: false } && unit is null ? SocketFacts.Unidentified : SocketFacts.Of(owner?.Path, unit, owner?.Groups);
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _stamps?.Dispose();

    private sealed class Registration(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
