using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Enforcement.Documents;

/// <summary>One line of a chain.</summary>
public abstract record FirewallRule
{
    private FirewallRule()
    {
    }

    /// <summary>If all conditions hold: count, report, and do as the verdict says.</summary>
    /// <param name="Matches">Tried in order; none match every packet.</param>
    /// <param name="Verdict">What happens.</param>
    public sealed record When(EquatableArray<Match> Matches, Verdict Verdict) : FirewallRule;

    /// <summary>Counts packets and reports some of them, no more than a flood of which hurts nobody, to <see cref="FirewallDocument.LogGroup"/>.</summary>
    /// <param name="Prefix">What the report carries.</param>
    public sealed record Report(LogPrefix Prefix) : FirewallRule;

    /// <summary>
    /// Copies what comes from another host's UDP port for names over a connection that the host itself began, no more than a flood of which hurts nobody, to
    /// <see cref="FirewallDocument.NamesGroup"/>.
    /// </summary>
    public sealed record CopyAnswers : FirewallRule;

    /// <summary>Counts packets.</summary>
    public sealed record Count : FirewallRule;

    /// <summary>Gives a connection that is being made a helper, unless it has one.</summary>
    /// <param name="Helper">The name of a <see cref="HelperObject"/>.</param>
    public sealed record Help(string Helper) : FirewallRule;

    /// <summary>Sets bits of the connection's mark; connections that a helper expects inherit their parent's.</summary>
    /// <param name="Bits">The bits.</param>
    public sealed record MarkConnection(uint Bits) : FirewallRule;

    /// <summary>Looks a field up and does as the case says that it falls in; goes on if there is none.</summary>
    /// <param name="Key">The field.</param>
    /// <param name="Cases">Sorted and disjoint; never empty.</param>
    public sealed record Dispatch(DispatchKey Key, EquatableArray<DispatchCase> Cases) : FirewallRule;
}

/// <summary>A field that a packet is dispatched by.</summary>
public enum DispatchKey
{
    /// <summary>Conntrack's state; keys are values of <see cref="ConnectionState"/>.</summary>
    State,

    /// <summary>The IP protocol, behind extension headers.</summary>
    Protocol,

    /// <summary>The destination port of TCP, UDP or SCTP.</summary>
    Port,

    /// <summary>The source port of TCP, UDP or SCTP.</summary>
    SourcePort,

    /// <summary>The type of an ICMP message.</summary>
    IcmpType,

    /// <summary>The type of an ICMPv6 message.</summary>
    IcmpV6Type,
}

/// <summary>The keys first to last of a dispatch.</summary>
public readonly record struct DispatchCase(ushort First, ushort Last, Verdict Verdict);

/// <summary>Conntrack's view of a packet; numbered as the kernel's bits.</summary>
public enum ConnectionState
{
    /// <summary>Belongs to no connection and begins none.</summary>
    Invalid = 1,

    /// <summary>Belongs to a connection that both ends have taken part in.</summary>
    Established = 2,

    /// <summary>An ICMP error about a connection, or what a helper expects.</summary>
    Related = 4,

    /// <summary>Would create a connection's state.</summary>
    New = 8,

    /// <summary>Is of no connection, because somebody said so.</summary>
    Untracked = 64,
}

/// <summary>Which end of the packet.</summary>
public enum PacketEnd
{
    /// <summary>Where it comes from.</summary>
    Source,

    /// <summary>Where it goes.</summary>
    Destination,
}

/// <summary>A condition on a packet.</summary>
public abstract record Match
{
    private Match()
    {
    }

    /// <summary>Its connection is in a state.</summary>
    public sealed record State(ConnectionState Value) : Match;

    /// <summary>Came in, or goes out, by the loopback interface.</summary>
    public sealed record Loopback(PacketEnd End) : Match;

    /// <summary>One of its addresses is in a set.</summary>
    public sealed record InSet(PacketEnd End, bool IsV6, string Set) : Match;

    /// <summary>One of its addresses is in a prefix; a prefix of length 0 stands for the family.</summary>
    public sealed record InPrefix(PacketEnd End, IpPrefix Prefix) : Match;

    /// <summary>Is of a protocol.</summary>
    public sealed record Protocol(byte Value) : Match;

    /// <summary>One of its ports is this, of a protocol that has ports.</summary>
    public sealed record Port(PacketEnd End, byte Of, ushort Value) : Match;

    /// <summary>One of its ports is this or a higher one, of a protocol that has ports.</summary>
    public sealed record PortFrom(PacketEnd End, byte Of, ushort First) : Match;

    /// <summary>Is an ICMP message of one of these types, sorted.</summary>
    public sealed record IcmpType(bool IsV6, EquatableArray<byte> Types) : Match;

    /// <summary>Is an ICMP message with a code.</summary>
    public sealed record IcmpCode(bool IsV6, byte Code) : Match;

    /// <summary>Has a hop limit (IPv4: time to live). 255 proves that no router passed it on; 1, that none will.</summary>
    public sealed record HopLimit(bool IsV6, byte Value) : Match;

    /// <summary>Is a TCP segment that is not a lone SYN: of FIN, SYN, RST and ACK, others than SYN alone are set.</summary>
    public sealed record NotLoneSyn : Match;

    /// <summary>Its local socket belongs to a cgroup or one below it.</summary>
    /// <param name="Level">Depth of the cgroup; 1 is directly below the root.</param>
    /// <param name="Path">Relative to where cgroups are mounted.</param>
    public sealed record SocketCgroup(int Level, string Path) : Match;

    /// <summary>Its local socket's cgroup at a level is, or is not, one of these; without a socket, or with one in a cgroup above, the condition does not hold either way.</summary>
    /// <param name="Level">Depth of the cgroups; 1 is directly below the root.</param>
    /// <param name="Among">Whether it has to be one of them.</param>
    /// <param name="Cgroups">Sorted; never empty.</param>
    public sealed record CgroupAt(int Level, bool Among, EquatableArray<CgroupName> Cgroups) : Match;

    /// <summary>Its local socket's mark is one of these in the bits of a mask; without a socket the condition does not hold.</summary>
    /// <param name="Mask">The bits that are compared.</param>
    /// <param name="Values">Sorted; never empty.</param>
    public sealed record SocketMark(uint Mask, EquatableArray<uint> Values) : Match;

    /// <summary>Belongs to a connection that a helper expected, whose own connection's mark has all of some bits.</summary>
    /// <param name="Helper">The kernel's name of the helper of the connection that it stems from.</param>
    /// <param name="Mark">The bits.</param>
    public sealed record ExpectedBy(string Helper, uint Mark) : Match;

    /// <summary>Has a local socket.</summary>
    public sealed record HasSocket : Match;

    /// <summary>
    /// Goes to an address of the host, where a socket of its own waits for it, one that serves no other addresses. Can be asked before the packet
    /// is tracked; what was translated, and is to be translated back, has no socket here.
    /// </summary>
    public sealed record ForSocket : Match;

    /// <summary>
    /// Comes from an address of the host and belongs to what passed already: the copy, for its own listeners, of what the host itself sends to a group. It
    /// comes in by the interface that it went out by, and of nobody else.
    /// </summary>
    public sealed record Looped : Match;

    /// <summary>No more than so many packets a second.</summary>
    public sealed record Limit(int PerSecond) : Match;
}

/// <summary>A cgroup of the second version. The kernel's rules hold its identifier: one that was removed and made again is another.</summary>
/// <param name="Path">Relative to where cgroups are mounted, as nft wants it.</param>
/// <param name="Id">The kernel's identifier.</param>
public readonly record struct CgroupName(string Path, ulong Id) : IComparable<CgroupName>
{
    /// <inheritdoc/>
    public int CompareTo(CgroupName other) =>
        string.CompareOrdinal(Path, other.Path) is var order and not 0 ? order : Id.CompareTo(other.Id);
}

/// <summary>What becomes of a packet.</summary>
public abstract record Verdict
{
    private Verdict()
    {
    }

    /// <summary>It passes our table.</summary>
    public sealed record Accept : Verdict;

    /// <summary>It passes, and is not tracked: for before it is.</summary>
    public sealed record Untrack : Verdict;

    /// <summary>It is dropped in silence.</summary>
    public sealed record Drop : Verdict;

    /// <summary>It is dropped, and its sender is told so by TCP reset.</summary>
    public sealed record Reset : Verdict;

    /// <summary>It is dropped, and its sender is told that it is administratively prohibited.</summary>
    public sealed record Prohibit : Verdict;

    /// <summary>On to a chain, and back here if that decides nothing.</summary>
    public sealed record Jump(string Chain) : Verdict;

    /// <summary>On to a chain, and back to where this chain was called from if that decides nothing.</summary>
    public sealed record Goto(string Chain) : Verdict;

    /// <summary>Back to the chain that jumped here.</summary>
    public sealed record Return : Verdict;
}
