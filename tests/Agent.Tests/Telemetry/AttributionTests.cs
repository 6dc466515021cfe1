using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Tests.Telemetry;

public sealed class AttributionTests
{
    private const byte Icmp = 1;
    private const byte Tcp = 6;
    private const byte Udp = 17;

    private static readonly IpAddress _here = IpAddress.Parse("10.0.0.1");
    private static readonly IpAddress _there = IpAddress.Parse("10.0.0.2");
    private static readonly IpAddress _anywhere = IpAddress.Parse("0.0.0.0");
    private static readonly Dictionary<uint, ProcessFacts> _processes = Enumerable.Range(1, 9).ToDictionary(
        pid => (uint)pid, pid => new ProcessFacts(pid, 1, $"/bin/{pid}") { Name = "x", Unit = "", User = "root", Uid = 0, LoginUid = ProcessFacts.NoLogin });

    private readonly Attribution _told = new(who => _processes.GetValueOrDefault(who.Pid));

    [Fact]
    public void A_connection_is_its_makers_and_only_once()
    {
        Tell(OwnerAct.Connects, 1, Tcp, _here, 40000, _there, 80);
        Assert.Equal(1, Outgoing(Tcp, 40000, 80));
        Assert.Null(Outgoing(Tcp, 40000, 80));
    }

    [Fact]
    public void Ends_that_are_used_again_before_they_are_read_are_asked_for_as_often()
    {
        Tell(OwnerAct.Connects, 1, Tcp, _here, 40000, _there, 80);
        Tell(OwnerAct.Connects, 1, Tcp, _here, 40000, _there, 80);
        Assert.Equal((1, 1, null), (Outgoing(Tcp, 40000, 80), Outgoing(Tcp, 40000, 80), Outgoing(Tcp, 40000, 80)));
    }

    [Fact]
    public void Of_two_processes_with_the_same_ends_none_is_guessed_at_unless_one_was_long_ago()
    {
        Tell(OwnerAct.Connects, 1, Tcp, _here, 40000, _there, 80);
        Tell(OwnerAct.Connects, 2, Tcp, _here, 40000, _there, 80);
        Assert.Null(Outgoing(Tcp, 40000, 80));
        Assert.Null(Outgoing(Tcp, 40000, 80));

        Tell(OwnerAct.Connects, 1, Tcp, _here, 40000, _there, 80);
        _told.NextBatch();
        _told.NextBatch();
        Tell(OwnerAct.Connects, 2, Tcp, _here, 40000, _there, 80);
        Assert.Equal(2, Outgoing(Tcp, 40000, 80));
        Assert.Null(Outgoing(Tcp, 40000, 80));
    }

    [Fact]
    public void Two_processes_to_one_endpoint_stay_two()
    {
        Tell(OwnerAct.Connects, 1, Tcp, _here, 40000, _there, 80);
        Tell(OwnerAct.Connects, 2, Tcp, _here, 40001, _there, 80);
        Assert.Equal((2, 1), (Outgoing(Tcp, 40001, 80), Outgoing(Tcp, 40000, 80)));
    }

    [Fact]
    public void What_was_blocked_is_asked_for_again_and_again()
    {
        Tell(OwnerAct.Connects, 1, Tcp, _here, 40000, _there, 80);
        for (var tries = 0; tries < 3; tries++)
        {
            Assert.Equal(1, _told.Outgoing(Tcp, _here, 40000, _there, 80, forget: false).Process?.Pid);
        }
    }

    [Fact]
    public void The_kernels_own_are_known_to_be_nobodys()
    {
        Tell(OwnerAct.Connects, 0, Tcp, _here, 40000, _there, 2049);
        Assert.Equal(new Maker(true, null), _told.Outgoing(Tcp, _here, 40000, _there, 2049, forget: true));
    }

    [Fact]
    public void A_datagram_socket_is_its_senders_whomever_it_sends_to_until_it_is_closed()
    {
        Tell(OwnerAct.Sends, 1, Udp, _anywhere, 40000, _there, 53);
        Assert.Equal((1, 1), (Outgoing(Udp, 40000, 53), Outgoing(Udp, 40000, 123)));
        Close(1, Udp, 40000);
        _told.NextBatch();
        _told.NextBatch();
        Assert.Null(Outgoing(Udp, 40000, 5353));
    }

    [Fact]
    public void Of_a_socket_that_several_send_from_each_is_told()
    {
        Tell(OwnerAct.Sends, 1, Udp, _anywhere, 40000, _there, 53, socket: 7);
        Tell(OwnerAct.Sends, 2, Udp, _anywhere, 40000, _there, 54, socket: 7, shared: true);
        Tell(OwnerAct.Sends, 1, Udp, _anywhere, 40000, _there, 55, socket: 7, shared: true);
        Assert.Equal((1, 2, 1, null), (Outgoing(Udp, 40000, 53), Outgoing(Udp, 40000, 54), Outgoing(Udp, 40000, 55), Outgoing(Udp, 40000, 56)));
    }

    [Fact]
    public void A_closed_socket_is_known_for_the_batch_in_which_it_closed()
    {
        Tell(OwnerAct.Opens, 1, Icmp, _anywhere, 0, _anywhere, 0, socket: 7);
        _told.NextBatch();
        Close(7, Icmp, 0);
        Assert.Equal(1, _told.Outgoing(Icmp, _here, 4711, _there, 0x800, forget: true).Process?.Pid);
        _told.NextBatch();
        Assert.False(_told.Outgoing(Icmp, _here, 4711, _there, 0x800, forget: true).IsKnown);
    }

    [Fact]
    public void Of_several_that_ping_nobody_is_guessed_at_until_their_numbers_are_known()
    {
        Tell(OwnerAct.Opens, 1, Icmp, _anywhere, 0, _anywhere, 0, socket: 7);
        Tell(OwnerAct.Opens, 2, Icmp, _anywhere, 0, _anywhere, 0, socket: 8);
        Assert.False(_told.Outgoing(Icmp, _here, 4711, _there, 0x800, forget: true).IsKnown);
        Close(8, Icmp, 4711, process: 2);
        Assert.Equal(2, _told.Outgoing(Icmp, _here, 4711, _there, 0x800, forget: true).Process?.Pid);
    }

    [Fact]
    public void Of_several_listeners_the_one_that_accepted_is_it()
    {
        Tell(OwnerAct.Listens, 1, Tcp, _anywhere, 80, _anywhere, 0, socket: 7);
        Tell(OwnerAct.Listens, 2, Tcp, _anywhere, 80, _anywhere, 0, socket: 8);
        Assert.False(Incoming(40000).IsKnown);
        Assert.False(Incoming(40000, isLast: true).IsKnown);
        Tell(OwnerAct.Accepts, 2, Tcp, _here, 80, _there, 40000, socket: 8);
        Assert.Equal(2, Incoming(40000).Process?.Pid);
    }

    [Fact]
    public void Until_somebody_accepts_from_a_listener_it_is_not_said_who_does_unless_there_is_no_more_time()
    {
        Tell(OwnerAct.Listens, 1, Tcp, _anywhere, 80, _anywhere, 0, socket: 7);
        Assert.True(_told.Awaits(Tcp, _here, 80, isLast: false));
        Assert.False(Incoming(40000).IsKnown);
        Assert.Equal(1, Incoming(40000, isLast: true).Process?.Pid);
        Assert.Equal(1, _told.Incoming(Tcp, _here, 80, _there, 40000, isConnection: false, isLast: false).Process?.Pid);
    }

    [Fact]
    public void Where_the_one_that_listens_accepts_what_it_accepts_later_need_not_be_told()
    {
        Tell(OwnerAct.Listens, 1, Tcp, _anywhere, 80, _anywhere, 0, socket: 7);
        Tell(OwnerAct.Accepts, 1, Tcp, _here, 80, _there, 40000, socket: 7);
        Assert.Equal((1, 1), (Incoming(40000).Process?.Pid, Incoming(40001).Process?.Pid));
    }

    [Fact]
    public void Of_a_listener_that_was_handed_on_nothing_is_said_of_what_nobody_accepted()
    {
        Tell(OwnerAct.Listens, 1, Tcp, _anywhere, 80, _anywhere, 0, socket: 7);
        Tell(OwnerAct.Accepts, 2, Tcp, _here, 80, _there, 40000, socket: 7);
        Assert.Equal(2, Incoming(40000).Process?.Pid);
        Assert.False(Incoming(40001, isLast: true).IsKnown);
        Tell(OwnerAct.Accepts, 3, Tcp, _here, 80, _there, 40001, socket: 7);
        Assert.Equal(3, Incoming(40001).Process?.Pid);
    }

    [Fact]
    public void Where_others_accept_too_the_one_that_listens_has_what_they_were_not_told_to_have()
    {
        Tell(OwnerAct.Listens, 1, Tcp, _anywhere, 80, _anywhere, 0, socket: 7);
        Tell(OwnerAct.Accepts, 1, Tcp, _here, 80, _there, 40000, socket: 7);
        Tell(OwnerAct.Accepts, 2, Tcp, _here, 80, _there, 40001, socket: 7);
        Assert.False(Incoming(40002).IsKnown);
        Assert.Equal(1, Incoming(40002, isLast: true).Process?.Pid);
    }

    [Fact]
    public void Once_something_was_lost_nobody_is_told_as_of_a_socket_that_may_be_closed_or_of_ends_that_may_be_used_again()
    {
        Tell(OwnerAct.Listens, 1, Udp, _anywhere, 53, _anywhere, 0, socket: 7);
        Tell(OwnerAct.Connects, 1, Tcp, _here, 40000, _there, 80);
        _told.NextBatch();
        _told.NextBatch();
        Tell(OwnerAct.Connects, 2, Tcp, _here, 40001, _there, 80);
        _told.Lose();
        Assert.False(_told.Incoming(Udp, _here, 53, _there, 40000, isConnection: true, isLast: true).IsKnown);
        Assert.Equal((null, 2), (Outgoing(Tcp, 40000, 80), Outgoing(Tcp, 40001, 80)));

        Tell(OwnerAct.Accepts, 2, Tcp, _here, 80, _there, 40000, socket: 9);
        Assert.False(Incoming(40001, isLast: true).IsKnown);
        Assert.Equal(2, Incoming(40000).Process?.Pid);
    }

    [Fact]
    public void Of_a_listener_from_before_each_acceptance_is_told_and_until_the_first_it_is_looked_up_in_the_end()
    {
        _told.Adopt(7, _anywhere, 80);
        Assert.False(Incoming(40000, isLast: true).IsKnown);
        Assert.Equal((true, false), (_told.Awaits(Tcp, _here, 80, isLast: false), _told.Awaits(Tcp, _here, 80, isLast: true)));
        Tell(OwnerAct.Accepts, 1, Tcp, _here, 80, _there, 40000, socket: 7);
        Assert.Equal((1, null), (Incoming(40000).Process?.Pid, Incoming(40001).Process?.Pid));
        Tell(OwnerAct.Accepts, 2, Tcp, _here, 80, _there, 40001, socket: 7);
        Assert.Equal((2, true), (Incoming(40001).Process?.Pid, _told.Awaits(Tcp, _here, 80, isLast: true)));
    }

    [Fact]
    public void A_listener_at_the_very_address_comes_before_one_at_all()
    {
        Tell(OwnerAct.Listens, 1, Tcp, _anywhere, 80, _anywhere, 0, socket: 7);
        Tell(OwnerAct.Listens, 2, Tcp, _here, 80, _anywhere, 0, socket: 8);
        Assert.Equal((2, 1), (_told.Incoming(Tcp, _here, 80, _there, 1, true, true).Process?.Pid, _told.Incoming(Tcp, _there, 80, _here, 1, true, true).Process?.Pid));
    }

    [Fact]
    public void A_program_that_listens_at_a_port_of_each_family_by_itself_has_what_comes_by_either()
    {
        var v6 = IpAddress.Parse("fd00::1");
        Tell(OwnerAct.Listens, 1, Tcp, _anywhere, 80, _anywhere, 0, socket: 7);
        Tell(OwnerAct.Listens, 2, Tcp, IpAddress.V6(0), 80, _anywhere, 0, socket: 8, onlyV6: true);
        Assert.Equal(1, Incoming(40000, isLast: true).Process?.Pid);
        Assert.Equal(2, _told.Incoming(Tcp, v6, 80, v6, 40000, isConnection: true, isLast: true).Process?.Pid);
        Tell(OwnerAct.Listens, 3, Udp, IpAddress.V6(0), 53, _anywhere, 0, socket: 9);
        Assert.Equal(3, _told.Incoming(Udp, _here, 53, _there, 40000, isConnection: true, isLast: true).Process?.Pid);
        Tell(OwnerAct.Listens, 4, Udp, _anywhere, 123, _anywhere, 0, socket: 10);
        Assert.False(_told.Incoming(Udp, v6, 123, v6, 40000, isConnection: true, isLast: true).IsKnown);
    }

    [Fact]
    public void Of_several_listeners_of_one_program_it_is_the_one_if_any_shows_it()
    {
        Tell(OwnerAct.Listens, 1, Tcp, _anywhere, 80, _anywhere, 0, socket: 7);
        Tell(OwnerAct.Listens, 1, Tcp, IpAddress.V6(0), 80, _anywhere, 0, socket: 8);
        Assert.False(Incoming(40000).IsKnown);
        Tell(OwnerAct.Accepts, 1, Tcp, _here, 80, _there, 40000, socket: 8);
        Assert.Equal((1, 1), (Incoming(40000).Process?.Pid, Incoming(40001).Process?.Pid));
    }

    [Fact]
    public void What_is_accepted_late_from_a_listener_that_was_closed_makes_no_listener_of_it_again()
    {
        Tell(OwnerAct.Listens, 1, Tcp, _anywhere, 80, _anywhere, 0, socket: 7);
        Close(7, Tcp, 80);
        _told.NextBatch();
        _told.NextWindow();
        Tell(OwnerAct.Listens, 2, Tcp, _anywhere, 80, _anywhere, 0, socket: 8);
        Tell(OwnerAct.Accepts, 1, Tcp, _here, 80, _there, 40000, socket: 7);
        Assert.Equal((1, 2), (Incoming(40000).Process?.Pid, Incoming(40001, isLast: true).Process?.Pid));
    }

    [Fact]
    public void A_listener_that_is_no_more_is_forgotten_once_it_had_a_window_to_show()
    {
        Tell(OwnerAct.Accepts, 1, Tcp, _here, 80, _there, 40000, socket: 7);
        Tell(OwnerAct.Listens, 2, Tcp, _anywhere, 80, _anywhere, 0, socket: 8);
        _told.KeepListeners(new HashSet<ulong> { 8 });
        Assert.False(Incoming(40001, isLast: true).IsKnown);
        _told.NextWindow();
        _told.NextWindow();
        _told.KeepListeners(new HashSet<ulong> { 8 });
        Assert.Equal(2, Incoming(40001, isLast: true).Process?.Pid);
    }

    [Fact]
    public void Of_ends_that_come_again_before_the_first_connection_is_asked_for_nobody_is_guessed_at()
    {
        Tell(OwnerAct.Listens, 1, Tcp, _anywhere, 80, _anywhere, 0, socket: 7);
        Tell(OwnerAct.Accepts, 1, Tcp, _here, 80, _there, 40001, socket: 7);
        Tell(OwnerAct.Accepts, 2, Tcp, _here, 80, _there, 40000, socket: 7);
        _told.NextBatch();
        _told.NextBatch();
        Tell(OwnerAct.Accepts, 3, Tcp, _here, 80, _there, 40000, socket: 7);
        Assert.Equal((new Maker(true, null), new Maker(true, null)), (Incoming(40000, isLast: true), Incoming(40000, isLast: true)));
    }

    [Fact]
    public void Where_the_first_connection_can_be_settled_when_its_ends_come_again_each_has_its_own()
    {
        Tell(OwnerAct.Listens, 1, Tcp, _anywhere, 80, _anywhere, 0, socket: 7);
        Tell(OwnerAct.Accepts, 2, Tcp, _here, 80, _there, 40000, socket: 7);
        _told.NextBatch();
        (FlowTuple, int?, long)? asked = null;
        _told.Settle = (ends, process, ago) =>
        {
            asked = (ends, process?.Pid, ago);
            return true;
        };
        Tell(OwnerAct.Accepts, 3, Tcp, _here, 80, _there, 40000, socket: 7);
        Assert.Equal((new FlowTuple(Tcp, _there, 40000, _here, 80), 2, 1L), asked);
        Assert.Equal((3, null), (Incoming(40000, isLast: true).Process?.Pid, Incoming(40000, isLast: true).Process));
    }

    [Fact]
    public void What_no_connection_came_of_is_forgotten_and_what_there_is_no_room_for_is_counted()
    {
        for (var i = 0; i < 70_000; i++)
        {
            Tell(OwnerAct.Connects, 1, Tcp, _here, (ushort)i, _there, (ushort)(i / 40_000));
        }

        Assert.Equal(65_536, _told.Waiting);
        Assert.Equal(70_000 - 65_536UL, _told.TakeDropped());
        Assert.Equal(0UL, _told.TakeDropped());
        _told.NextWindow();
        _told.NextWindow();
        Assert.Equal(0, _told.Waiting);
    }

    private int? Outgoing(byte protocol, ushort port, ushort remotePort) => _told.Outgoing(protocol, _here, port, _there, remotePort, forget: true).Process?.Pid;

    private Maker Incoming(ushort from, bool isLast = false) => _told.Incoming(Tcp, _here, 80, _there, from, isConnection: true, isLast);

    private void Close(ulong socket, byte protocol, ushort port, uint process = 1) => Tell(OwnerAct.Closes, process, protocol, _anywhere, port, _anywhere, 0, socket);

    private void Tell(OwnerAct act, uint process, byte protocol, IpAddress local, ushort port, IpAddress remote, ushort remotePort, ulong? socket = null, bool shared = false, bool onlyV6 = false) =>
        _told.Observe(new OwnerEvent(socket ?? process, new(1, 1, process, 0, 0, 0), act, protocol, shared, local, port, remote, remotePort, onlyV6));
}
