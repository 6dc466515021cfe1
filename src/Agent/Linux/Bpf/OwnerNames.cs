using Bulkhead.Agent.Linux.Processes;

namespace Bulkhead.Agent.Linux.Bpf;

/// <summary>Who identities are. Facts stand in a map of the kernel, which forgets the oldest; what is in use is remembered here. For one thread.</summary>
internal sealed class OwnerNames(ConnectionOwners owners, ProcessTable processes, CgroupTree cgroups, UserNames users)
{
    private const int MostKnown = 4096;
    private const ulong NanosecondsPerTick = 10_000_000; // USER_HZ is 100

    private readonly Dictionary<OwnerIdentity, ProcessFacts> _known = [];
    private readonly TextPool _texts = new();

    /// <summary>The process, or null if it is the kernel itself, or is not known any more.</summary>
    public ProcessFacts? Of(OwnerIdentity who)
    {
        if (who.IsKernel)
        {
            return null;
        }

        if (_known.TryGetValue(who, out var known))
        {
            return known;
        }

        if ((owners.TryFind(who, out var facts) ? Make(who, facts) : Running(who)) is not { } made)
        {
            return null;
        }

        return _known[who] = processes.Same(made);
    }

    /// <summary>Forgets all if that is much; at the end of a window, so that within one a process is always the same.</summary>
    public void NextWindow()
    {
        if (_known.Count > MostKnown)
        {
            _known.Clear();
            _known.TrimExcess();
        }
    }

    private ProcessFacts Make(OwnerIdentity who, OwnerFacts facts)
    {
        Span<byte> joined = stackalloc byte[OwnerFacts.LongestPath];
        var path = _texts.Of(joined[..OwnerFacts.Join(facts.Path, joined)]);
        var cgroup = _texts.Of(joined[..OwnerFacts.Join(facts.Cgroup, joined)]);
        return new((int)(facts.Pid != 0 ? facts.Pid : who.Pid), who.Start / NanosecondsPerTick, path)
        {
            Name = _texts.Of(facts.Name),
            Unit = cgroups.UnitOf(cgroup),
            Container = ContainerId.Of(cgroup),
            Owner = users.NameOf(who.Uid),
            Uid = who.Uid,
            LoginUid = who.Login,
            User = users.NameOf(who.Login == ProcessFacts.NoLogin ? who.Uid : who.Login),
        };
    }

    private ProcessFacts? Running(OwnerIdentity who) =>
        processes.Find((int)who.Pid) is { } found && found.StartTime == who.Start / NanosecondsPerTick ? found : null;
}
