using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Compile;

/// <summary>The other end of an entry: a group, or a network.</summary>
/// <param name="Group">The group, or null.</param>
/// <param name="Network">The network's name, or null.</param>
/// <param name="Variant">Which of the group's members.</param>
internal readonly record struct Peer(Group? Group, string? Network, PeerVariant Variant)
{
    /// <summary>The peer set's name at a host that sees a space.</summary>
    public string NameIn(AddressSpace space) => Group is { } group ? group.NameOf(Variant, space) : PeerSetName.OfNetwork(Network!);
}

/// <summary>How conntrack handles what an entry allows.</summary>
/// <param name="Stateless">Whether it passes untracked.</param>
/// <param name="Helper">What reads along, or null.</param>
internal readonly record struct Handling(bool Stateless, ConnectionHelper? Helper)
{
    /// <summary>The canonical order.</summary>
    public static int Compare(bool stateless, ConnectionHelper? helper, bool otherStateless, ConnectionHelper? otherHelper) =>
        stateless.CompareTo(otherStateless) is var order and not 0 ? order : string.CompareOrdinal(helper?.Name, otherHelper?.Name);
}

/// <summary>One decision that a rule hands to every member of a group: a <see cref="HostEntry"/> before a host and its space are known.</summary>
internal sealed class Entry(
    Group subject, Peer peer, Direction direction, Rule rule, EquatableArray<PortMatch> ports, ProcessCondition? process, EquatableArray<string> users, Handling handling = default)
{
    private Entry? _tracked;
    private HostEntry? _inDefaultSpace;
    private byte[]? _bytes;

    /// <summary>Whose hosts hold it.</summary>
    public Group Subject { get; } = subject;

    /// <summary>The other end.</summary>
    public Peer Peer { get; } = peer;

    /// <summary>Which side of connections it judges.</summary>
    public Direction Direction { get; } = direction;

    /// <summary>The tier.</summary>
    public RuleAction Action { get; } = rule.Action;

    /// <summary>The rule that it comes from.</summary>
    public RuleId Rule { get; } = rule.Id;

    /// <summary>Destination ports; sorted and distinct.</summary>
    public EquatableArray<PortMatch> Ports { get; } = ports;

    /// <summary>Must own the host's own socket, or null.</summary>
    public ProcessCondition? Process { get; } = process;

    /// <summary>The host's own user must be in one of these directory groups; empty for any.</summary>
    public EquatableArray<string> Users { get; } = users;

    /// <summary>Whether a socket without known process or user meets the condition.</summary>
    public bool UnidentifiedMatches { get; } = rule.Action != RuleAction.Allow && rule.UnidentifiedMatches;

    /// <summary>Whether what it allows passes untracked, at hosts that can do so.</summary>
    public bool Stateless { get; } = handling.Stateless;

    /// <summary>What reads along in what it allows, or null.</summary>
    public ConnectionHelper? Helper { get; } = handling.Helper;

    /// <summary>Without which a host cannot decide it.</summary>
    public Feature Needs { get; } = FeatureMask.For(direction, process, users) | FeatureMask.For(handling.Helper);

    /// <summary>
    /// Without which a host goes without it. None for a deny that must not be left out: a host that lost what it takes to decide it is still told of it,
    /// refuses the policy, and keeps the one under which it could.
    /// </summary>
    public Feature LeftOutWithout => MayBeLeftOut ? Needs : Feature.None;

    /// <summary>Whether hosts with these features hold it.</summary>
    public bool IsHeldWith(Feature features) => (features & LeftOutWithout) == LeftOutWithout;

    /// <summary>Whether a host that cannot decide it simply goes without.</summary>
    public bool MayBeLeftOut { get; } = rule.Action == RuleAction.Allow || rule.SkipWhereUnenforceable;

    /// <summary>What it takes to do as it says to the letter.</summary>
    public Feature Uses => Needs | (Stateless ? Feature.Stateless : Feature.None);

    /// <summary>The same as hosts with these features hold it: who can do no other tracks what it allows.</summary>
    public Entry For(Feature features) =>
        Stateless && (features & Feature.Stateless) == 0 ? _tracked ??= new(Subject, Peer, Direction, rule, Ports, Process, Users) : this;

    /// <summary>Direction, tier and rule in the order in which they decide. Rule ids stay below 2^61.</summary>
    public ulong Order { get; } = ((ulong)direction << 63) | ((ulong)rule.Action << 61) | (ulong)rule.Id.Value;

    /// <summary>The serialised form at a host of the default space.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes ??= HostPolicyBytes.Of(ToHostEntry(AddressSpace.Default));

    /// <summary>The entry of a host that sees a space.</summary>
    public HostEntry ToHostEntry(AddressSpace space) =>
        space != AddressSpace.Default ? Make(space) : _inDefaultSpace ??= Make(space);

    /// <summary>Whether two entries say the same to their hosts, wherever those are.</summary>
    public bool SaysSameAs(Entry other) =>
        Order == other.Order && Peer == other.Peer && Process == other.Process && UnidentifiedMatches == other.UnidentifiedMatches && MayBeLeftOut == other.MayBeLeftOut
        && Stateless == other.Stateless && Helper == other.Helper
        && Ports == other.Ports && Users == other.Users;

    /// <summary>The canonical order in a host policy.</summary>
    public static int Compare(Entry a, Entry b)
    {
        if (a.Order != b.Order)
        {
            return a.Order < b.Order ? -1 : 1;
        }

        var order = string.CompareOrdinal(a.ToHostEntry(AddressSpace.Default).Peers, b.ToHostEntry(AddressSpace.Default).Peers);
        order = order != 0 ? order : string.CompareOrdinal(a.Process?.ToString(), b.Process?.ToString());
        order = order != 0 ? order : PortMatch.Compare(a.Ports, b.Ports);
        return order != 0 ? order : Handling.Compare(a.Stateless, a.Helper, b.Stateless, b.Helper);
    }

    private HostEntry Make(AddressSpace space) => new(Direction, Action, Rule, Peer.NameIn(space), Ports, Process, Users, UnidentifiedMatches) { Stateless = Stateless, Helper = Helper };
}
