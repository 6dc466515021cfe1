using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Contracts.Agent;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Tests.Telemetry;

public sealed class ConnectionTableTests
{
    private readonly FlowWindow _window = new(100);
    private readonly ConnectionTable _table;
    private ProcessFacts? _maker;
    private bool _isKnown = true;

    public ConnectionTableTests() => _table = new(_window, FlowOf, 2);

    [Fact]
    public void A_connection_is_counted_when_made_and_its_traffic_when_gone()
    {
        _table.Observe(New(1), 10);
        _table.Observe(Gone(1, bytesOut: 100, bytesIn: 900), 20);

        // The table's flows are inbound, so that the consumer's out is the host's in.
        var flow = Close();
        Assert.Equal((1UL, 900UL, 100UL), (flow.Connections, flow.BytesOut, flow.BytesIn));
        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void Traffic_of_a_long_connection_is_told_bit_by_bit_and_once()
    {
        _table.Observe(New(1), 0);
        Dump(Present(1, bytesOut: 100));
        Assert.Equal(100UL, Close().BytesIn);
        Dump(Present(1, bytesOut: 250));
        Assert.Equal(150UL, Close().BytesIn);
        _table.Observe(Gone(1, bytesOut: 300), 0);
        Assert.Equal(50UL, Close().BytesIn);
    }

    [Fact]
    public void What_was_there_before_the_agent_is_on_the_map_but_not_counted_as_new()
    {
        Dump([Present(1, bytesOut: 5000)], isNew: false);
        _table.CountOpen();
        var flow = Close();
        Assert.Equal((0UL, 0UL, 1U), (flow.Connections, flow.BytesIn, flow.Open));
    }

    [Fact]
    public void What_was_made_while_the_first_list_was_read_is_counted_with_all_of_its_traffic()
    {
        Dump([Present(1, bytesOut: 500)], isNew: false);
        _table.Observe(New(1), 10);
        _table.Observe(New(1), 20);
        _table.Observe(Gone(1, bytesOut: 700), 30);
        var flow = Close();
        Assert.Equal((1UL, 700UL), (flow.Connections, flow.BytesIn));
    }

    [Fact]
    public void Where_connections_are_followed_anew_those_there_are_were_not_seen_whole()
    {
        var table = new ConnectionTable(_window, FlowOf, 2, resumes: true);
        table.BeginDump();
        table.Present(Present(1, bytesOut: 500), isNew: false, 0);
        Assert.Equal(1UL, _window.Close(0, 10_000)!.IncompleteConnections);
    }

    [Fact]
    public void What_waits_for_a_name_is_counted_though_it_is_never_asked_for_again()
    {
        _isKnown = false;
        _table.Observe(New(1), 0);
        _table.Abandon();
        Assert.Equal(1UL, Close().Connections);
    }

    [Fact]
    public void Idle_connections_are_told_of_from_time_to_time_lest_they_are_forgotten()
    {
        _table.Observe(New(1), 0);
        _ = Close();
        Dump(Present(1));
        _table.CountOpen();
        Assert.Null(_window.Close(0, 10_000));
        _table.CountOpen(withIdle: true);
        var flow = Close();
        Assert.Equal((0UL, 1U), (flow.Connections, flow.Open));
    }

    [Fact]
    public void A_connection_that_a_dump_told_of_before_its_event_is_counted_once()
    {
        Dump(Present(1));
        _table.Observe(New(1), 0);
        Assert.Equal(1UL, Close().Connections);
    }

    [Fact]
    public void Connections_that_said_goodbye_are_not_open()
    {
        _table.Observe(New(1), 0);
        _table.Observe(New(2), 0);
        Dump(Present(1), Present(2) with { Closed = true });
        _table.CountOpen();
        Assert.Equal(1U, Close().Open);
    }

    [Fact]
    public void However_many_said_goodbye_within_their_bound_the_others_are_remembered()
    {
        const int Closed = 2 * ConnectionTable.ClosedForEach;
        for (ulong id = 1; id <= Closed; id++)
        {
            _table.Observe(New(id), 0);
            Dump([.. from known in Enumerable.Range(1, (int)id) select Present((ulong)known, bytesOut: 10) with { Closed = true }]);
        }

        _table.Observe(New(11), 0);
        _table.Observe(New(12), 0);
        Assert.Equal((Closed + 2, false), (_table.Count, _table.IsOverflowed));
        _table.Observe(Gone(1, bytesOut: 15), 0);
        _table.Observe(New(13), 0);
        Assert.Equal((Closed + 1, true), (_table.Count, _table.IsOverflowed));
        _table.Observe(Gone(11, bytesOut: 100), 0);
        _table.Observe(Gone(13, bytesOut: 1000), 0);
        var flow = Close();
        Assert.Equal(((ulong)Closed + 3, (ulong)(Closed * 10) + 1105), (flow.Connections, flow.BytesIn));
    }

    [Fact]
    public void Those_that_said_goodbye_have_a_bound_too()
    {
        const int Most = 2 + (2 * ConnectionTable.ClosedForEach);
        for (ulong id = 1; id <= Most + 1; id++)
        {
            _table.Observe(New(id), 0);
            Dump([.. from known in Enumerable.Range(1, (int)Math.Min(id, Most)) select Present((ulong)known) with { Closed = true }]);
        }

        Assert.Equal((Most, true), (_table.Count, _table.IsOverflowed));
        Assert.Equal((ulong)Most + 1, Close().Connections);
    }

    [Fact]
    public void What_waits_since_before_it_was_told_who_took_it_is_settled_when_its_ends_come_again()
    {
        _isKnown = false;
        _table.Observe(New(1), 0);
        Assert.False(_table.TrySettle(Ends(1), FlowWindowTests.Nginx, ago: 0));
        _table.NextBatch();
        Assert.False(_table.TrySettle(Ends(1), FlowWindowTests.Nginx, ago: 1));
        Assert.False(_table.TrySettle(Ends(2), FlowWindowTests.Nginx, ago: 0));
        Assert.True(_table.TrySettle(Ends(1), FlowWindowTests.Nginx, ago: 0));
        Assert.False(_table.TrySettle(Ends(1), FlowWindowTests.Nginx, ago: 0));
        _table.Observe(Gone(1, bytesOut: 7), 0);
        var flow = Close();
        Assert.Equal((1UL, 7UL, 1U), (flow.Connections, flow.BytesIn, flow.Process));

        static FlowTuple Ends(ushort port) => new(6, IpAddress.Parse("10.0.0.2"), port, IpAddress.Parse("10.0.0.1"), 80);
    }

    [Fact]
    public void A_connection_whose_end_was_lost_goes_with_the_second_dump_that_lacks_it()
    {
        _table.Observe(New(1), 0);
        Assert.Equal(0UL, Dump());
        Assert.Equal(1UL, Dump());
        Assert.Equal(0, _table.Count);
        Assert.Equal(1UL, _window.Incomplete);
    }

    [Fact]
    public void After_lost_events_a_dump_is_the_truth()
    {
        _table.Observe(New(1), 0);
        _table.BeginDump();
        _table.Present(Present(2), isNew: true, 0);
        Assert.Equal(1UL, _table.EndDump(complete: true));
        Assert.Equal(2UL, Close().Connections);
    }

    [Fact]
    public void Beyond_the_bound_connections_are_still_counted_and_their_traffic_told()
    {
        for (ulong id = 1; id <= 3; id++)
        {
            _table.Observe(New(id), 0);
        }

        _table.Observe(Gone(3, bytesOut: 70), 0);
        var flow = Close();
        Assert.Equal((3UL, 70UL), (flow.Connections, flow.BytesIn));
        Assert.Equal(2, _table.Count);
    }

    [Fact]
    public void One_beyond_the_bound_that_a_dump_shows_once_there_is_room_is_not_counted_again()
    {
        for (ulong id = 1; id <= 3; id++)
        {
            _table.Observe(New(id), 0);
        }

        _table.Observe(Gone(1, bytesOut: 1), 0);
        Dump(Present(2), Present(3, bytesOut: 70));
        Dump(Present(2), Present(3, bytesOut: 90));
        _table.Observe(Gone(3, bytesOut: 100), 0);
        var flow = Close();
        Assert.Equal((3UL, 101UL), (flow.Connections, flow.BytesIn));
    }

    [Fact]
    public void Beyond_the_bound_a_dump_may_be_faster_than_the_event()
    {
        for (ulong id = 1; id <= 3; id++)
        {
            _table.Observe(New(id), 0);
        }

        _table.Observe(Gone(1, bytesOut: 0), 0);
        _table.Observe(Gone(2, bytesOut: 0), 0);
        Dump(Present(3), Present(4));
        _table.Observe(New(4), 0);
        Assert.Equal(4UL, Close().Connections);
    }

    [Fact]
    public void The_bound_is_of_no_effect_any_more_once_two_dumps_were_within_it()
    {
        for (ulong id = 1; id <= 3; id++)
        {
            _table.Observe(New(id), 0);
        }

        Assert.True(_table.IsOverflowed);
        _table.Observe(Gone(1, bytesOut: 0), 0);
        Dump(Present(2), Present(3));
        _table.Observe(Gone(3, bytesOut: 0), 0);
        Assert.True(_table.IsOverflowed);
        Dump(Present(2));
        Assert.False(_table.IsOverflowed);
        Dump(Present(2), Present(4)); // its event was lost
        _table.Observe(Gone(5, bytesOut: 70), 0); // nobody told of it before
        var flow = Close();
        Assert.Equal((4UL, 0UL), (flow.Connections, flow.BytesIn));
    }

    [Fact]
    public void Of_those_beyond_the_bound_that_may_be_older_than_the_agent_traffic_is_said_to_lack()
    {
        Dump([Present(1), Present(2), Present(3, bytesOut: 5000)], isNew: false);
        _table.Observe(Gone(3, bytesOut: 5000), 0);
        _table.Observe(Gone(1, bytesOut: 0), 0);
        Dump(Present(2), Present(4, bytesOut: 5000));
        var batch = _window.Close(0, 10_000)!;
        Assert.Equal((0UL, 0UL, 2UL), (batch.Flows[0].Connections, batch.Flows[0].BytesIn, batch.IncompleteConnections));
    }

    [Fact]
    public void Who_made_a_connection_may_become_known_until_the_window_ends()
    {
        _isKnown = false;
        _table.Observe(New(1), 10);
        _table.Observe(New(2), 20);
        _maker = FlowWindowTests.Nginx;
        _table.Observe(Gone(1, bytesOut: 7), 30);
        _table.CountOpen();

        var batch = _window.Close(0, 10_000)!;
        var flow = Assert.Single(batch.Flows);
        Assert.Equal((2UL, 7UL, 10L, 1U), (flow.Connections, flow.BytesIn, flow.FirstMs, flow.Process));
        Assert.Equal("/usr/sbin/nginx", Assert.Single(batch.Processes).Path);
    }

    [Fact]
    public void Traffic_of_what_was_pending_is_told_in_the_same_window()
    {
        _isKnown = false;
        _table.Observe(New(1), 10);
        _table.SettleAll();
        Dump(Present(1, bytesOut: 70));
        _table.CountOpen();
        Assert.Equal((1UL, 70UL), (_window.TryGet(FlowWindowTests.Key(80, null))!.ToWire(0).Connections, Close().BytesIn));
    }

    [Fact]
    public void However_many_wait_for_their_process_those_of_which_it_is_known_by_now_make_room()
    {
        const ulong all = ConnectionTable.MostPending * 3;
        var known = 0UL;
        var table = new ConnectionTable(_window, FlowOf, (int)all);
        for (ulong id = 1; id <= all; id++)
        {
            table.Observe(New(id), (long)id / 40);
            known = id - 10;
        }

        known = all;
        table.CountOpen();
        var batch = _window.Close(0, 10_000)!;
        Assert.Equal((all, 1U), (Assert.Single(batch.Flows).Connections, batch.Flows[0].Process));

        Resolution FlowOf(in ConntrackRecord record, bool isLast)
        {
            var isKnown = record.Id <= known;
            return new(FlowWindowTests.Key(record.Port, isKnown ? FlowWindowTests.Nginx : null), isLast || isKnown);
        }
    }

    [Fact]
    public void Lost_events_are_made_up_for_by_what_came_of_the_same_connections()
    {
        _table.Observe(New(1), 0);
        _table.BeginLoss();
        _table.Observe(Gone(3, bytesOut: 5), 0); // its making was lost
        _table.BeginDump();
        _table.Present(Present(2), isNew: true, 0); // likewise, and it is still there
        _table.Present(Present(4), isNew: true, 0);
        _table.Observe(New(4), 0); // only the dump was faster
        Assert.Equal((2UL, 1UL), _table.EndLoss()); // the end of the first was lost
        Assert.Equal(4UL, Close().Connections);
    }

    [Fact]
    public void The_end_of_a_connection_that_nobody_announced_is_said_to_be_unheard_of_until_something_is_known_to_be_lost()
    {
        Assert.True(_table.Observe(New(1), 0));
        Assert.True(_table.Observe(Gone(1, bytesOut: 5), 0));
        Assert.False(_table.Observe(Gone(2, bytesOut: 5), 0));
        _table.BeginLoss();
        Assert.True(_table.Observe(Gone(2, bytesOut: 5), 0));
        _table.BeginDump();
        Assert.Equal((1UL, 0UL), _table.EndLoss());
        Assert.Equal(2UL, Close().Connections);
    }

    [Fact]
    public void Traffic_of_a_connection_goes_on_in_the_windows_after()
    {
        _table.Observe(New(1), 0);
        _ = Close();
        Dump(Present(1, bytesOut: 100));
        Assert.Equal((0UL, 100UL), (_window.TryGet(FlowWindowTests.Key(80, null))!.ToWire(0).Connections, Close().BytesIn));
    }

    private Resolution FlowOf(in ConntrackRecord record, bool isLast) => new(FlowWindowTests.Key(record.Port, _maker), isLast || _isKnown);

    private static ConntrackRecord New(ulong id) => Record(ConntrackEvent.New, id, 0, 0);

    private static ConntrackRecord Gone(ulong id, ulong bytesOut, ulong bytesIn = 0) => Record(ConntrackEvent.Destroyed, id, bytesOut, bytesIn);

    private static ConntrackRecord Present(ulong id, ulong bytesOut = 0) => Record(ConntrackEvent.Present, id, bytesOut, 0);

    private static ConntrackRecord Record(ConntrackEvent happened, ulong id, ulong bytesOut, ulong bytesIn) =>
        new(happened, id, 6, IpAddress.Parse("10.0.0.2"), (ushort)id, IpAddress.Parse("10.0.0.1"), 80, false, new Traffic(0, bytesOut, 0, bytesIn));

    private ulong Dump(params ConntrackRecord[] present) => Dump(present, isNew: true);

    private ulong Dump(ConntrackRecord[] present, bool isNew)
    {
        _table.BeginDump();
        foreach (var record in present)
        {
            _table.Present(record, isNew, 0);
        }

        return _table.EndDump(complete: false);
    }

    private FlowSummary Close() => Assert.Single(_window.Close(0, 10_000)!.Flows);
}
