using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Enforcement.Tests;

/// <summary>This host is 10.0.0.1, serves on 443, and lets 10.0.0.2 in there; out it reaches 10.0.0.3 on 5432.</summary>
public class LiveConnectionsTests
{
    private static readonly HashSet<IpAddress> _local = [LocalV4];

    private static readonly HostEvaluator _evaluator = new(Make(
        new(EnforcementMode.Full, EnforcementMode.Full),
        [Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(443)), Entry(Direction.Outbound, RuleAction.Allow, 2, 1, PortMatch.Tcp(5432))],
        Hosts("10.0.0.2"),
        Hosts("10.0.0.3")));

    [Theory]
    [InlineData("10.0.0.2:50000 > 10.0.0.1:443", false)]
    [InlineData("10.0.0.9:50000 > 10.0.0.1:443", true)]
    [InlineData("10.0.0.2:50000 > 10.0.0.1:22", true)]
    [InlineData("10.0.0.1:50000 > 10.0.0.3:5432", false)]
    [InlineData("10.0.0.1:50000 > 10.0.0.3:22", true)]
    [InlineData("10.0.0.1:443 > 10.0.0.2:50000", false)] // picked up from the server's segment
    [InlineData("10.0.0.1:443 > 10.0.0.9:50000", true)]
    [InlineData("10.0.0.8:1 > 10.0.0.9:2", false)] // forwarded
    [InlineData("10.0.0.1:1 > 10.0.0.1:22", false)] // to itself
    [InlineData("127.0.0.1:1 > 127.0.0.1:22", false)]
    public void What_conntrack_holds_is_judged_in_the_direction_that_the_listener_decides(string connection, bool forbidden)
    {
        var tracked = new TrackedConnection(Tuple(connection), Tuple(connection).Mirror(), 5, 1);
        Assert.Equal(forbidden ? [tracked] : [], Judge([tracked], []).Forget);
    }

    [Fact]
    public void Behind_destination_translation_the_real_provider_counts()
    {
        var original = Tuple("10.0.0.1:50000 > 10.255.0.1:80");
        var allowed = new TrackedConnection(original, Tuple("10.0.0.3:5432 > 10.0.0.1:50000"), 0, 1);
        var forbidden = new TrackedConnection(original, Tuple("10.0.0.4:5432 > 10.0.0.1:50000"), 0, 2);
        Assert.Equal([forbidden], Judge([allowed, forbidden], []).Forget);
    }

    [Fact]
    public void Forbidden_sockets_are_known_to_conntrack_until_they_are_destroyed()
    {
        LocalSocket[] sockets = [Socket("10.0.0.1:443 > 10.0.0.2:50000"), Socket("10.0.0.1:443 > 10.0.0.9:50000"), Socket("10.0.0.1:40000 > 10.0.0.3:5432")];
        var changes = Judge([], sockets);
        Assert.Equal([sockets[1]], changes.Destroy);
        Assert.Equal([Tuple("10.0.0.2:50000 > 10.0.0.1:443"), Tuple("10.0.0.9:50000 > 10.0.0.1:443"), Tuple("10.0.0.1:40000 > 10.0.0.3:5432")], changes.Admit.Select(lost => lost.Original));
    }

    [Fact]
    public void What_conntrack_knows_is_not_admitted_twice_whichever_way_it_has_it()
    {
        LocalSocket[] sockets = [Socket("10.0.0.1:443 > 10.0.0.2:50000"), Socket("10.0.0.1:40000 > 10.0.0.3:5432")];
        TrackedConnection[] tracked = [.. sockets.Select(s => new TrackedConnection(s.Outgoing, s.Outgoing.Mirror(), 0, 1))];
        Assert.Empty(Judge(tracked, sockets).Admit);
    }

    [Theory]
    [InlineData(SocketState.SynSent)]
    [InlineData(SocketState.TimeWait)]
    [InlineData(SocketState.NewSynReceived)]
    public void What_is_not_open_is_not_admitted(SocketState state) =>
        Assert.Empty(Judge([], [Socket("10.0.0.1:40000 > 10.0.0.3:5432") with { State = state }]).Admit);

    [Fact]
    public void Sockets_alone_tell_what_may_be_forbidden_and_from_whom_to_whom()
    {
        LocalSocket[] sockets =
        [
            Socket("10.0.0.1:443 > 10.0.0.2:50000"), Socket("10.0.0.1:443 > 10.0.0.9:50000"),
            Socket("10.0.0.1:40000 > 10.0.0.3:5432"), Socket("10.0.0.1:40001 > 10.0.0.3:22"),
        ];
        Assert.Equal(
            [new SuspectSocket(sockets[1], Tuple("10.0.0.9:50000 > 10.0.0.1:443")), new SuspectSocket(sockets[3], Tuple("10.0.0.1:40001 > 10.0.0.3:22"))],
            LiveConnections.Suspects(_evaluator, _local, Table(sockets)));
    }

    [Fact]
    public void What_a_host_says_to_another_address_of_its_own_is_not_suspect()
    {
        LocalSocket[] sockets = [Socket("10.0.0.1:40000 > 10.0.0.7:22"), Socket("10.0.0.7:22 > 10.0.0.1:40000")];
        HashSet<IpAddress> local = [LocalV4, IpAddress.Parse("10.0.0.7")];
        Assert.Empty(LiveConnections.Suspects(_evaluator, local, Table(sockets)));
        Assert.Empty(LiveConnections.Judge(_evaluator, local, [], Table(sockets)).Destroy);
    }

    [Fact]
    public void A_socket_whose_connection_is_translated_is_judged_by_its_real_provider()
    {
        LocalSocket[] sockets = [Socket("10.0.0.1:50000 > 10.255.0.1:80"), Socket("10.0.0.1:50001 > 10.255.0.1:80")];
        TrackedConnection[] tracked =
        [
            new(sockets[0].Outgoing, Tuple("10.0.0.3:5432 > 10.0.0.1:50000"), 0, 1),
            new(sockets[1].Outgoing, Tuple("10.0.0.4:5432 > 10.0.0.1:50001"), 0, 2),
        ];
        Assert.Equal([sockets[1]], Judge(tracked, sockets).Destroy);
        Assert.Equal([false, true], tracked.Select(entry => LiveConnections.IsForbidden(_evaluator, _local, Table(sockets), entry, _ => null)));
    }

    [Theory]
    [InlineData(SocketState.Established)]
    [InlineData(SocketState.CloseWait)]
    public void What_is_admitted_has_its_sockets_progress_and_its_rules_helper(SocketState state)
    {
        LocalSocket[] sockets = [Socket("10.0.0.1:443 > 10.0.0.2:50000") with { State = state }, Socket("10.0.0.1:443 > 10.0.0.9:50000") with { State = state }, Socket("10.0.0.1:40000 > 10.0.0.3:5432") with { State = state }];
        Assert.Equal([(state, "ftp"), (state, null), (state, null)], LiveConnections.Judge(Helping(EnforcementMode.Full), _local, [], Table(sockets)).Admit.Select(lost => (lost.State, lost.Helper?.Name)));
        Assert.All(LiveConnections.Judge(Helping(EnforcementMode.Visibility), _local, [], Table(sockets)).Admit, lost => Assert.Null(lost.Helper));
    }

    [Theory]
    [InlineData("10.0.0.2:50000 > 10.0.0.1:69", 0u, null, true)]
    [InlineData("10.0.0.2:50000 > 10.0.0.1:69", 0u, "tftp", true)] // unmarked when a rule took it away
    [InlineData("10.0.0.2:50000 > 10.0.0.1:69", 0xf0u, "tftp", false)]
    [InlineData("10.0.0.2:50000 > 10.0.0.1:69", 0x70u, null, true)]
    [InlineData("10.0.0.2:50000 > 10.0.0.1:69", 0u, "sip", false)] // others'
    [InlineData("10.0.0.2:50000 > 10.0.0.1:70", 0u, null, false)]
    [InlineData("10.0.0.9:50000 > 10.0.0.1:69", 0u, null, false)]
    [InlineData("10.0.0.8:50000 > 10.0.0.9:69", 0u, null, false)] // forwarded
    public void Datagrams_that_should_be_helped_and_are_not_begin_anew(string connection, uint mark, string? helper, bool anew)
    {
        var tuple = Tuple(connection) with { Protocol = IpProtocol.Udp };
        TrackedConnection[] tracked = [new(tuple, tuple.Mirror(), 0, 1) { Mark = mark, Helper = helper }, new(Tuple(connection), Tuple(connection).Mirror(), 0, 2)];
        Assert.Equal(anew ? [tracked[0]] : [], LiveConnections.ToBeHelped(Helping(EnforcementMode.Full), _local, tracked, Table([]), 0xf0));
        Assert.Empty(LiveConnections.ToBeHelped(Helping(EnforcementMode.Visibility), _local, tracked, Table([]), 0xf0));
        Assert.Empty(LiveConnections.ToBeHelped(_evaluator, _local, tracked, Table([]), 0xf0));
    }

    [Fact]
    public void Whoever_joins_those_that_are_helped_over_datagrams_may_be_known_without_a_helper()
    {
        HostPolicy Helped(string helper, params string[] peers) => Make(
            new(EnforcementMode.Selective, EnforcementMode.Visibility), [Entry(Direction.Inbound, RuleAction.Allow, 1, 0, helper == "tftp" ? PortMatch.Udp(69) : PortMatch.Tcp(21)) with { Helper = ConnectionHelper.Find(helper) }], Hosts(peers));
        Assert.True(LiveConnections.CanEnd(Helped("tftp", "10.0.0.2"), Helped("tftp", "10.0.0.2", "10.0.0.3")));
        Assert.False(LiveConnections.CanEnd(Helped("ftp", "10.0.0.2"), Helped("ftp", "10.0.0.2", "10.0.0.3")));
        Assert.True(LiveConnections.CanEnd(Helped("ftp", "10.0.0.2", "10.0.0.3"), Helped("ftp", "10.0.0.2")));
    }

    private static HostEvaluator Helping(EnforcementMode mode) => new(Make(
        new(mode, EnforcementMode.Full),
        [
            Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(443)) with { Helper = ConnectionHelper.Find("ftp") },
            Entry(Direction.Inbound, RuleAction.Allow, 2, 0, PortMatch.Udp(69)) with { Helper = ConnectionHelper.Find("tftp") },
            Entry(Direction.Outbound, RuleAction.Allow, 3, 1, PortMatch.Tcp(5432)),
        ],
        Hosts("10.0.0.2"),
        Hosts("10.0.0.3")));

    private static LiveChanges Judge(IReadOnlyList<TrackedConnection> tracked, IEnumerable<LocalSocket> sockets) =>
        LiveConnections.Judge(_evaluator, _local, tracked, Table(sockets));

    private static SocketTable Table(IEnumerable<LocalSocket> sockets) =>
        new([Socket("0.0.0.0:443 > 0.0.0.0:0") with { State = SocketState.Listen }, .. sockets]);

    private static LocalSocket Socket(string ends)
    {
        var tuple = Tuple(ends);
        return new()
        {
            Protocol = IpProtocol.Tcp,
            IsV6Socket = false,
            State = SocketState.Established,
            Local = tuple.Source,
            LocalPort = tuple.SourcePort,
            Remote = tuple.Destination,
            RemotePort = tuple.DestinationPort,
        };
    }

    private static FlowTuple Tuple(string text)
    {
        var ends = text.Split(" > ").Select(end => end.Split(':')).Select(e => (Address: IpAddress.Parse(e[0]), Port: ushort.Parse(e[1], System.Globalization.CultureInfo.InvariantCulture))).ToArray();
        return new(IpProtocol.Tcp, ends[0].Address, ends[0].Port, ends[1].Address, ends[1].Port);
    }
}
