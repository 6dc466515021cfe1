using System.Net;
using System.Net.Sockets;
using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Plan;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using FsCheck;
using FsCheck.Fluent;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Firewall.Tests;

/// <summary>Elements that are written and read by netlink, without nft.</summary>
public sealed class ElementTests : IDisposable
{
    private const string Foreign = "add table ip others\nadd set ip others s { type ipv4_addr; flags interval; }\nadd element ip others s { 10.0.0.0/24 }\n";

    // The ends of each family, prefixes that touch, and prefixes within each other, of which a set holds one at a time.
    private static readonly IpPrefix[] _choices =
    [
        .. Hosts("0.0.0.0/24", "0.0.0.0/25", "0.0.1.0/24", "10.0.0.0/16", "10.0.0.0/24", "10.0.0.128/25", "10.0.1.0/24", "10.1.0.0/16", "255.255.255.0/24", "255.255.255.254/31"),
        .. Hosts("10.0.0.2", "10.0.0.3", "0.0.0.0", "255.255.255.255", "192.0.2.1"),
        .. Hosts("::/8", "::/9", "::fffe:0:0/96", "fd00::/16", "fd00::/17", "fd00:8000::/17", "fd01::/16", "ffff::/16", "ffff:ffff::/127"),
        .. Hosts("fd00::2", "fd00::3", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];

    private readonly NetworkNamespace _host = NetworkNamespace.Create();
    private readonly NetworkNamespace _whole = NetworkNamespace.Create();

    public void Dispose()
    {
        _host.Dispose();
        _whole.Dispose();
    }

    private static Gen<EquatableArray<IpPrefix>> Members =>
        from order in Gen.Shuffle(_choices)
        from count in Gen.Choose(1, _choices.Length)
        select order.Take(count).Aggregate(new List<IpPrefix>(Anchors), (held, one) => held.Any(one.Overlaps) ? held : [.. held, one]).Order().ToEquatableArray();

    /// <summary>One of each kind, so that every set is always there.</summary>
    private static IEnumerable<IpPrefix> Anchors => [.. Hosts("198.51.100.1", "198.51.101.0/24", "2001:db8::1", "2001:db9::/32")];

    [Fact]
    public async Task Whatever_elements_come_and_go_the_kernel_holds_what_a_replacement_gives_and_reads_back_as_that()
    {
        using var table = _host.Inside(TableKeeper.Open);
        var batches = 0;
        foreach (var members in Members.Sample(60, 60))
        {
            var document = Document(members);
            var plan = FirewallPlan.Diff(table.Held, document);
            if (plan.IsEmpty)
            {
                continue;
            }

            using (var batch = ElementBatch.Of(plan))
            {
                batches += batch is null ? 0 : 1;
            }

            Assert.Null((await ApplyAsync(table, plan, document)).Error);
            Assert.Empty(table.Examine());
            _whole.Nft(NftScript.Replace(document));
            Assert.Equal(TableTests.Listing(_whole), TableTests.Listing(_host));
        }

        Assert.True(batches > 40, $"{batches} batches");
    }

    [Fact]
    public async Task Changes_of_others_tables_between_ours_are_no_hindrance()
    {
        using var table = _host.Inside(TableKeeper.Open);
        using var watch = _host.Inside(() => table.Watch(by => Assert.Fail(by), () => Assert.Fail("events were lost")));
        await ApplyAsync(table, Plan(table, "10.0.0.2"));
        for (var i = 0; i < 20; i++)
        {
            _host.Nft(Foreign);
            var (error, undone) = await ApplyAsync(table, Plan(table, "10.0.0.2", $"10.0.1.{i}"));
            Assert.Null(error);
            Assert.Empty(undone);
            _host.Nft("delete table ip others\n");
        }

        Assert.Empty(table.Examine());
    }

    [Fact]
    public async Task A_refused_element_is_named_and_nothing_of_the_batch_happens()
    {
        using var table = _host.Inside(TableKeeper.Open);
        using var socket = _host.Inside(() => NetlinkSocket.Open(NetlinkFamily.Netfilter));
        await ApplyAsync(table, Plan(table, "10.0.0.2", "10.0.0.3"));
        var before = TableTests.Listing(_host);
        using var batch = ElementBatch.Of(new(
        [
            new PlanStep.DeleteElements("peers_s0_v4", false, Hosts("10.0.0.3", "10.0.0.9")),
            new PlanStep.AddElements("peers_s0_v4", false, Hosts("10.0.0.2", "10.0.0.7")),
        ]))!;

        var outcome = batch.Send(socket, new TableReader(socket).Generation());

        Assert.Equal((Errno.NoEntry, "delete 10.0.0.9 from peers_s0_v4: it is not there; add 10.0.0.2 to peers_s0_v4: it is there already"), (outcome.Errno, outcome.Detail));
        Assert.Equal(before, TableTests.Listing(_host));
    }

    [Fact]
    public async Task A_batch_for_another_generation_is_refused_whole()
    {
        using var table = _host.Inside(TableKeeper.Open);
        using var socket = _host.Inside(() => NetlinkSocket.Open(NetlinkFamily.Netfilter));
        await ApplyAsync(table, Plan(table, "10.0.0.2"));
        var generation = new TableReader(socket).Generation();
        _host.Nft(Foreign);
        var before = TableTests.Listing(_host);
        using var batch = ElementBatch.Of(new([new PlanStep.AddElements("peers_s0_v4", false, Hosts("10.0.0.7"))]))!;

        Assert.Equal(Errno.Restart, batch.Send(socket, generation).Errno);

        Assert.Equal(before, TableTests.Listing(_host));
        Assert.True(batch.Send(socket, new TableReader(socket).Generation()).Ok);
        Assert.Contains("10.0.0.7", TableTests.Listing(_host), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_longest_batch_is_one_transaction_and_what_is_longer_is_left_to_nft()
    {
        using var table = _host.Inside(TableKeeper.Open);
        await ApplyAsync(table, Plan(table, "10.0.0.2"));
        var many = Enumerable.Range(0, 8000).Select(i => $"10.2.{i / 256}.{i % 256}").ToArray();
        using (var batch = ElementBatch.Of(Plan(table, many).Plan))
        {
            Assert.NotNull(batch);
        }

        Assert.Null((await ApplyAsync(table, Plan(table, many))).Error);
        Assert.Empty(table.Examine());
        var more = Enumerable.Range(0, 40_000).Select(i => $"10.3.{i / 256}.{i % 256}").ToArray();
        Assert.Null(ElementBatch.Of(Plan(table, more).Plan));
        Assert.Null((await ApplyAsync(table, Plan(table, more))).Error);
        Assert.Empty(table.Examine());
    }

    private const string Deleted = "'ip saddr @peers_s0_v4 accept', 'ip saddr @peers_s0_v4_nets accept', 'ip6 saddr @peers_s0_v6_nets accept'";

    [Fact]
    public async Task Events_that_the_kernel_had_no_room_for_are_doubted_and_a_look_at_the_table_misses_nothing()
    {
        using var table = _host.Inside(TableKeeper.Open);
        using var held = new ManualResetEventSlim();
        using var told = new SemaphoreSlim(0);
        using var lost = new SemaphoreSlim(0);
        void Hold(string by)
        {
            told.Release();
            held.Wait(Bench.Deadline);
        }

        using var watch = _host.Inside(() => table.Watch(Hold, () => lost.Release(), receiveBuffer: 4096));
        await ApplyAsync(table, Plan(table, "10.0.0.2"));
        _host.Nft("add chain inet bulkhead another\n");
        Assert.True(await told.WaitAsync(Bench.Deadline));
        _host.Nft("delete chain inet bulkhead another\n");
        _host.Nft($"{Foreign}add element ip others s {{ {string.Join(", ", Enumerable.Range(0, 1000).Select(i => $"10.1.{i / 200}.{i % 200}"))} }}\n");
        _host.Nft("add element inet bulkhead peers_s0_v4 { 10.9.9.9 }\n");

        held.Set();

        Assert.True(await lost.WaitAsync(Bench.Deadline));
        Assert.Equal("set peers_s0_v4: 1 element added: 10.9.9.9", Assert.Single(table.Examine()));
        Assert.Equal("set peers_s0_v4: 1 element added: 10.9.9.9", Assert.Single((await ApplyAsync(table, Plan(table, "10.0.0.2", "10.0.0.3"))).Undone));
        Assert.Empty(table.Examine());
        Assert.DoesNotContain("10.9.9.9", TableTests.Listing(_host), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_that_fails_before_the_answer_comes_leaves_nothing_that_is_built_upon()
    {
        var (socket, table) = _host.Inside(() => NetlinkSocket.Open(NetlinkFamily.Netfilter) is var opened ? (opened, TableKeeper.Over(opened)) : default);
        using var ends = table;
        await ApplyAsync(table, Plan(table, "10.0.0.2"));
        socket.SetReceiveBuffer(1);
        // Answers that nobody reads leave the next one no room.
        var question = NetlinkWriter.Netfilter(new byte[64], Nftables.Subsystem, Nftables.GetGeneration, NetlinkFlags.Request | NetlinkFlags.Ack, Nftables.Inet).End().ToArray();
        for (var i = 0; i < 100; i++)
        {
            socket.Send(question);
        }

        var failure = await Assert.ThrowsAsync<NetlinkException>(() => ApplyAsync(table, Plan(table, "10.0.0.2", "10.0.0.3")));

        Assert.Equal(Errno.NoBufferSpace, failure.Errno);
        socket.SetReceiveBuffer(1 << 20);
        table.Doubt();
        Assert.Null((await ApplyAsync(table, Plan(table, "10.0.0.4"))).Error);
        Assert.Empty(table.Examine());
        _whole.Nft(NftScript.Replace(Document(Hosts("10.0.0.4"))));
        Assert.Equal(TableTests.Listing(_whole), TableTests.Listing(_host));
    }

    public static TheoryData<string, string> Tampering => new()
    {
        { "delete table inet bulkhead", "the table was deleted" },
        { "flush ruleset", "the table was deleted" },
        { "add table inet bulkhead { flags dormant; }", "the table's flags were 0, and became 1" },
        { "insert rule inet bulkhead input accept", "chain input: 1 rule added ('accept')" },
        { "insert rule inet bulkhead input tcp dport vmap { 1-2 : accept, 3-4 : accept, 5-6 : accept, 7-8 : accept, 9-10 : drop } comment \"# handle 9\"", "chain input: 1 rule added ('tcp dport vmap { 1-2 : accept, 3-4 : accept, 5-6 : accept, 7-8 : accept, 9-10 : drop } comment \"# handle 9\"')" },
        { "flush chain inet bulkhead in_tcp_443", $"chain in_tcp_443: 3 rules of 3 deleted ({Deleted})" },
        { "flush chain inet bulkhead in_tcp_443\nadd rule inet bulkhead in_tcp_443 ip saddr 10.9.9.9 accept", $"chain in_tcp_443: 3 rules of 3 deleted ({Deleted}), 1 rule added ('ip saddr 10.9.9.9 accept')" },
        { "chain inet bulkhead input { policy drop; }", "chain input: 'type filter hook input priority filter - 10; policy accept' became 'type filter hook input priority filter - 10; policy drop'" },
        { "add chain inet bulkhead another", "chain another: added" },
        { "add chain inet bulkhead another { type filter hook input priority 0; }\nadd rule inet bulkhead another drop", "chain another: added, 'type filter hook input priority filter; policy accept', with 1 rule ('drop')" },
        { "add set inet bulkhead another { type ipv4_addr; }", "set another: added" },
        { "add element inet bulkhead peers_s0_v4 { 10.9.9.9 }", "set peers_s0_v4: 1 element added: 10.9.9.9" },
        { "flush set inet bulkhead peers_s0_v4", "set peers_s0_v4: 1 element deleted: 10.0.0.2" },
        { "add element inet bulkhead peers_s0_v6_nets { fd02::/16 }", "set peers_s0_v6_nets: 1 element added: fd02::" },
        { "delete element inet bulkhead peers_s0_v4_nets { 10.1.0.0/16 }", "set peers_s0_v4_nets: 1 element deleted: 10.1.0.0/16" },
    };

    [Theory]
    [MemberData(nameof(Tampering))]
    public async Task What_somebody_changed_is_told_in_words(string change, string expected)
    {
        using var table = _host.Inside(TableKeeper.Open);
        await ApplyAsync(table, Plan(table, "10.0.0.2", "10.1.0.0/16", "fd01::/16"));
        Assert.Empty(table.Examine());
        _host.Nft(change + "\n");
        Assert.Equal(expected, Assert.Single(table.Examine()));
    }

    [Fact]
    public async Task Counters_that_count_are_no_change()
    {
        await using var bench = new Bench();
        await bench.ApplyAsync(Web(Hosts("10.77.0.9")));
        using var probe = bench.Peer.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        await probe.SendToAsync(new byte[1], new IPEndPoint(Bench.HostAddress(false).ToIPAddress(), 80));
        using var deadline = new CancellationTokenSource(Bench.Deadline);
        await bench.Blocks.NextAsync(report => report.Prefix.Direction == Direction.Inbound, deadline.Token);
        Assert.Contains("packets 1", bench.Host.Run("nft", "list", "table", "inet", "bulkhead"), StringComparison.Ordinal);
        Assert.Empty(await bench.Driver.ExamineAsync(CancellationToken.None));
    }

    private Task<(string? Error, IReadOnlyList<string> Undone)> ApplyAsync(TableKeeper table, (FirewallPlan Plan, FirewallDocument Document) change) =>
        ApplyAsync(table, change.Plan, change.Document);

    private Task<(string? Error, IReadOnlyList<string> Undone)> ApplyAsync(TableKeeper table, FirewallPlan plan, FirewallDocument document) =>
        _host.Inside(() => table.ApplyAsync(plan, document));

    private static (FirewallPlan Plan, FirewallDocument Document) Plan(TableKeeper table, params string[] members)
    {
        var document = Document(Hosts(members));
        return (FirewallPlan.Diff(table.Held, document), document);
    }

    private static FirewallDocument Document(EquatableArray<IpPrefix> members) => FirewallRenderer.Render(Web(members), NameLookups.None);

    private static HostPolicy Web(EquatableArray<IpPrefix> members) =>
        Make(new(EnforcementMode.Full, default), [Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(443))], members);
}
