using Bulkhead.Agent.Spool;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;

namespace Bulkhead.Agent.Tests.Spool;

public sealed class ScanCondenserTests
{
    private static readonly ByteString _here = ByteString.CopyFrom(10, 0, 0, 1);
    private static readonly ByteString _attacker = ByteString.CopyFrom(203, 0, 113, 7);
    private readonly FlowBatch _batch = new() { WindowMs = 10_000 };

    [Fact]
    public void Thousands_of_ports_of_which_none_answers_are_one_scan_with_samples()
    {
        Add(Inbound(1, 5000, asked: 1, answered: 1));
        ScanCondenser.Condense(_batch);

        Assert.Empty(_batch.Flows);
        var scan = Assert.Single(_batch.Scans);
        Assert.Equal(
            (Direction.Inbound, _attacker, 5000ul, 1ul, 5000ul, 1u, 5000u, 10_000ul),
            (scan.Direction, scan.Source, scan.Targets, scan.Addresses, scan.Connections, scan.FirstPort, scan.LastPort, scan.Packets));
        Assert.Equal(ScanCondenser.MostSamples, scan.Samples.Count);
        Assert.Contains(scan.Samples, flow => flow.Port == 1);
        Assert.Contains(scan.Samples, flow => flow.Port == 5000);
        Assert.True(_batch.CalculateSize() < 4000);
    }

    [Fact]
    public void A_port_that_answered_the_scan_stays_a_flow_of_its_own()
    {
        Add(Inbound(1, 500, asked: 1, answered: 1));
        Add(Inbound(8080, 8080, asked: 2, answered: 1));
        ScanCondenser.Condense(_batch);
        Assert.Equal(8080u, Assert.Single(_batch.Flows).Port);
        Assert.Equal(500ul, Assert.Single(_batch.Scans).Targets);
    }

    [Fact]
    public void Blocked_attempts_are_a_scan_and_counted_as_blocked()
    {
        Add(Inbound(1, 200, asked: 3, answered: 0).Select(flow =>
        {
            flow.Outcome = Outcome.Blocked;
            return flow;
        }));
        ScanCondenser.Condense(_batch);
        Assert.Equal((200ul, 200ul), (Assert.Single(_batch.Scans).Connections, _batch.Scans[0].Blocked));
    }

    [Fact]
    public void A_sweep_over_hosts_is_told_by_the_process_that_makes_it()
    {
        for (byte host = 1; host <= 200; host++)
        {
            _batch.Flows.Add(new FlowSummary
            {
                Direction = Direction.Outbound, LocalAddress = _here, RemoteAddress = ByteString.CopyFrom(10, 0, 1, host),
                Protocol = 6, Port = 22, Process = host <= 150 ? 1u : 2u, Outcome = Outcome.Passed, Connections = 1, PacketsOut = 3,
            });
        }

        ScanCondenser.Condense(_batch);
        var scan = Assert.Single(_batch.Scans);
        Assert.Equal((1u, 150ul, 150ul, _here), (scan.Process, scan.Targets, scan.Addresses, scan.Source));
        Assert.Equal(50, _batch.Flows.Count);
    }

    [Fact]
    public void Many_who_are_answered_are_no_scan()
    {
        for (byte client = 1; client <= 200; client++)
        {
            _batch.Flows.Add(new FlowSummary
            {
                Direction = Direction.Inbound, LocalAddress = _here, RemoteAddress = ByteString.CopyFrom(10, 0, 2, client),
                Protocol = 6, Port = 443, Outcome = Outcome.Passed, Connections = 1, PacketsIn = 1, PacketsOut = 1,
            });
        }

        Add(Inbound(1, 500, asked: 6, answered: 5));
        ScanCondenser.Condense(_batch);
        Assert.Empty(_batch.Scans);
        Assert.Equal(700, _batch.Flows.Count);
    }

    [Theory]
    [InlineData(900, false)]
    [InlineData(1000, true)]
    public void Of_what_nothing_is_counted_yet_only_very_many_targets_are_a_scan(uint last, bool isScan)
    {
        Add(Inbound(1, last, asked: 0, answered: 0));
        ScanCondenser.Condense(_batch);
        Assert.Equal(isScan, _batch.Scans.Count == 1);
    }

    [Theory]
    [InlineData(17, 3, true)]
    [InlineData(17, 30, false)]
    [InlineData(1, 10, false)]
    [InlineData(6, 7, true)]
    public void What_is_sent_without_ever_an_answer_is_a_scan_only_as_long_as_one_would_be_expected(uint protocol, ulong packets, bool isScan)
    {
        for (byte host = 1; host <= 200; host++)
        {
            _batch.Flows.Add(new FlowSummary
            {
                Direction = Direction.Outbound, LocalAddress = _here, RemoteAddress = ByteString.CopyFrom(10, 0, 1, host),
                Protocol = protocol, Port = 514, Process = 1, Outcome = Outcome.Passed, Connections = 1, PacketsOut = packets,
            });
        }

        ScanCondenser.Condense(_batch);
        Assert.Equal(isScan, _batch.Scans.Count == 1);
    }

    [Theory]
    [InlineData(6, 0, 1, 1, 1, false)]
    [InlineData(6, 0, 0, 1, 1, false)]
    [InlineData(6, 1, 1, 1, 1, false)]
    [InlineData(6, 1, 0, 1, 1, true)]
    [InlineData(6, 0, 1, 1, 0, true)]
    [InlineData(17, 0, 1, 1, 0, false)]
    [InlineData(17, 1, 1, 1, 0, true)]
    public void Signs_of_life_of_idle_connections_are_no_scan(uint protocol, ulong connections, uint open, ulong asked, ulong answered, bool isScan)
    {
        for (byte host = 1; host <= 200; host++)
        {
            _batch.Flows.Add(new FlowSummary
            {
                Direction = Direction.Inbound, LocalAddress = _here, RemoteAddress = _attacker, Protocol = protocol, Port = host,
                Outcome = Outcome.Passed, Connections = connections, Open = open, PacketsIn = asked, PacketsOut = answered,
            });
        }

        ScanCondenser.Condense(_batch);
        Assert.Equal(isScan, _batch.Scans.Count == 1);
    }

    [Fact]
    public void A_client_of_one_port_is_no_scan_whatever_ports_it_comes_from_and_who_balances_load_over_many_that_answer_neither()
    {
        for (byte host = 1; host <= 250; host++)
        {
            foreach (uint port in new[] { 80, 443, 8080, 8443, 9000 })
            {
                _batch.Flows.Add(new FlowSummary
                {
                    Direction = Direction.Outbound, LocalAddress = _here, RemoteAddress = ByteString.CopyFrom(10, 0, 1, host),
                    Protocol = 6, Port = port, Process = 1, Outcome = Outcome.Passed, Connections = 1, PacketsOut = 3, PacketsIn = 2,
                });
            }
        }

        _batch.Flows.Add(new FlowSummary
        {
            Direction = Direction.Inbound, LocalAddress = _here, RemoteAddress = _attacker, Protocol = 6, Port = 443, Outcome = Outcome.Passed, Connections = 60_000, PacketsIn = 60_000, PacketsOut = 60_000,
        });
        ScanCondenser.Condense(_batch);
        Assert.Empty(_batch.Scans);
    }

    [Fact]
    public void One_target_however_often_it_is_tried_is_no_scan()
    {
        for (var i = 0; i < 200; i++)
        {
            Add(Inbound(22, 22, asked: 1, answered: 1));
        }

        ScanCondenser.Condense(_batch);
        Assert.Empty(_batch.Scans);
    }

    private void Add(IEnumerable<FlowSummary> flows) => _batch.Flows.AddRange(flows);

    private static IEnumerable<FlowSummary> Inbound(uint first, uint last, ulong asked, ulong answered)
    {
        for (var port = first; port <= last; port++)
        {
            yield return new FlowSummary
            {
                Direction = Direction.Inbound, LocalAddress = _here, RemoteAddress = _attacker, Protocol = 6, Port = port,
                Outcome = Outcome.Passed, Connections = 1, PacketsIn = asked, PacketsOut = answered,
            };
        }
    }
}
