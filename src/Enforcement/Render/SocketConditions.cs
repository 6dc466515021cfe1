using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Marks;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Services;

namespace Bulkhead.Enforcement.Render;

/// <summary>
/// Renders conditions on the host's own socket (inbound, the listener): on executable and user by the socket's mark, which says whose it is; on
/// the systemd unit by its cgroup. A socket of a cgroup that did not exist when this was rendered could be any unit's, so it meets neither an
/// allow nor the lack of a deny: its packet is dropped in silence, and the one that is sent again meets rules that know the cgroup.
/// <code>
/// in_tcp_5432: peers ─► in_if_0 ─► in_new_cgroup ─► cgroup not known ─► drop
///                          ├─ another unit's cgroup within it ─► return
///                          └─ a cgroup of the unit, and a mark of an owner that meets it ─► verdict
/// </code>
/// </summary>
/// <param name="document">Gets the chains.</param>
/// <param name="name">What their names begin with.</param>
/// <param name="cgroups">The host's cgroups; null if units cannot be told apart.</param>
/// <param name="marks">What marks mean; null if sockets are not marked.</param>
internal sealed class SocketConditions(DocumentBuilder document, string name, HostCgroups? cgroups, MarkTable? marks)
{
    private readonly Dictionary<(ProcessCondition? Process, EquatableArray<string> Users, bool Unidentified, Verdict Verdict), string> _chains = [];
    private readonly Dictionary<string, string> _unitOfPath = cgroups?.Below.ToDictionary(c => c.Name.Path, c => c.Unit, StringComparer.Ordinal) ?? [];

    /// <summary>A verdict that leads on only if the entry's condition is met.</summary>
    /// <exception cref="InvalidOperationException">It cannot be decided here.</exception>
    public Verdict If(HostEntry entry, Verdict verdict)
    {
        if (!entry.HasSocketCondition)
        {
            return verdict;
        }

        var (unit, owned) = (entry.Process?.Unit, entry.Process?.Path is not null || entry.Users.Count > 0);
        if ((unit is not null && cgroups is null) || (owned && marks is null))
        {
            throw new InvalidOperationException($"Rule {entry.Rule} asks for a process or user, which this host cannot decide.");
        }

        var key = (entry.Process, entry.Users, entry.UnidentifiedMatches, verdict);
        if (!_chains.TryGetValue(key, out var chain))
        {
            _chains.Add(key, chain = $"{name}_if_{_chains.Count}");
            EquatableArray<uint> met = owned ? marks!.Meeting(entry) : [];
            Match[] owner = owned ? [new Match.SocketMark(marks!.Mask, met)] : [];
            document.Chain(chain,
            [
                .. unit is null ? Array.Empty<FirewallRule>() : [When([], new Verdict.Jump(NewCgroups()))],
                .. owned && met.Count == 0 ? [] : unit is null ? [When(owner.ToEquatableArray(), verdict)] : InUnit(unit, owner, verdict),
                .. entry.UnidentifiedMatches ? [When([new Match.HasSocket()], new Verdict.Return()), When([], verdict)] : Array.Empty<FirewallRule>(),
            ]);
        }

        return new Verdict.Jump(chain);
    }

    private IEnumerable<FirewallRule.When> InUnit(string unit, Match[] owner, Verdict verdict) =>
        Members(unit).OrderByDescending(part => part.Level).ThenBy(part => part.Met)
            .Select(part => part.Met ? When([part.Match, .. owner], verdict) : When([part.Match], new Verdict.Return()));

    /// <summary>Where a cgroup begins that is of the unit, and where within it one that is of another; the deepest decides.</summary>
    private IEnumerable<(int Level, bool Met, Match Match)> Members(string unit) =>
        from cgroup in cgroups!.Below
        let met = cgroup.Unit == unit
        where met != (UnitAbove(cgroup) == unit)
        group cgroup.Name by (cgroup.Level, met) into part
        select (part.Key.Level, part.Key.met, (Match)new Match.CgroupAt(part.Key.Level, true, part.ToEquatableArray()));

    private string UnitAbove(HostCgroup cgroup) =>
        _unitOfPath.GetValueOrDefault(cgroup.Name.Path[..Math.Max(cgroup.Name.Path.LastIndexOf('/'), 0)], "");

    private string NewCgroups()
    {
        var chain = $"{name}_new_cgroup";
        if (!document.HasChain(chain))
        {
            var wait = new Verdict.Goto($"{name}_wait");
            var (root, below) = (cgroups!.Root, cgroups.Below.GroupBy(c => c.Level).OrderBy(level => level.Key).ToArray());
            document.Chain(wait.Chain, [new FirewallRule.Count(), When([], new Verdict.Drop())]);
            document.Chain(chain,
            [
                // Whoever shares our network from outside of our part of the tree is in none of our units.
                .. root.Level == 0 ? Array.Empty<FirewallRule>() : [When([new Match.CgroupAt(root.Level, false, [root.Name])], new Verdict.Return())],
                .. below.Select(level => When([new Match.CgroupAt(level.Key, false, level.Select(c => c.Name).ToEquatableArray())], wait)),
                When([new Match.CgroupAt(root.Level + below.Length + 1, false, [root.Name])], wait),
            ]);
        }

        return chain;
    }

    private static FirewallRule.When When(EquatableArray<Match> matches, Verdict verdict) => new(matches, verdict);
}
