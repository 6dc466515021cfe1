using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Telemetry;

namespace Bulkhead.Agent.Tests.Telemetry;

/// <summary>Bytes as kernel 6.18 sent them: TCP to port 8080 of 10.198.1.1 and fd98::1, and packets to port 7777 that were dropped.</summary>
public sealed class RecordedBytesTests
{
    private const string NewV4 =
        "c4000000000100060000000000000000020000003400018014000180080001000ac60102080002000ac601011c000280050001000600000006000200"
        + "b06c0000060003001f9000003400028014000180080001000ac60101080002000ac601021c0002800500010006000000060002001f90000006000300"
        + "b06c000008000c00284542e608000300000000080800070000000078300004802c0001800500010001000000050002000a0000000500030000000000"
        + "06000400030000000600050000000000";
    private const string NewV6 =
        "f40000000001000600000000000000000a0000004c0001802c00018014000300fd98000000000000000000000000000214000400fd98000000000000"
        + "00000000000000011c000280050001000600000006000200889c0000060003001f9000004c0002802c00018014000300fd9800000000000000000000"
        + "0000000114000400fd9800000000000000000000000000021c0002800500010006000000060002001f90000006000300889c000008000c00371101dd"
        + "08000300000000080800070000000078300004802c0001800500010001000000050002000a0000000500030000000000060004000300000006000500"
        + "00000000";
    private const string GoneV4 =
        "dc000000020100000000000087229da1020000003400018014000180080001000ac60102080002000ac601011c000280050001000600000006000200"
        + "b06c0000060003001f9000003400028014000180080001000ac60101080002000ac601021c0002800500010006000000060002001f90000006000300"
        + "b06c000008000c00284542e6080003000000020e08000700000000751c0009800c00010000000000000000060c00020000000000000005281c000a80"
        + "0c00010000000000000000040c00020000000000000004c0100004800c0001800500010007000000";
    private const string GoneV6 =
        "0c010000020100000000000087229da10a0000004c0001802c00018014000300fd98000000000000000000000000000214000400fd98000000000000"
        + "00000000000000011c000280050001000600000006000200889c0000060003001f9000004c0002802c00018014000300fd9800000000000000000000"
        + "0000000114000400fd9800000000000000000000000000021c0002800500010006000000060002001f90000006000300889c000008000c00371101dd"
        + "080003000000020e08000700000000751c0009800c00010000000000000000060c00020000000000000005a01c000a800c0001000000000000000004"
        + "0c0002000000000000000510100004800c0001800500010007000000";
    private const string BlockedV4 =
        "9800000000040000000000000000000002000fed080001000800030019000a0062756c6b686561643a6f75743a64656e793a34320000000008000500"
        + "0000000208000b000000000008000e000000000008000c0000000000400009004500003cac514000400676dc0ac601020ac60101ead81e6119ec3be5"
        + "00000000a002faf017bd0000020405b40402080a0bf600a1000000000103030a";
    private const string BlockedV6ThenUdp =
        "ac0000000004000000000000000000000a000fed0800010086dd030019000a0062756c6b686561643a6f75743a64656e793a34320000000008000500"
        + "0000000208000b000000000008000e000000000008000c0000000001540009006005460100280640fd980000000000000000000000000002fd980000"
        + "000000000000000000000001ea7e1e61c509ad2300000000a002fd20fb620000020405a00402080a402e473e000000000103030a7c00000000040000"
        + "000000000000000002000fed080001000800030019000a0062756c6b686561643a6f75743a64656661756c7400000000080005000000000208000b00"
        + "0000000008000e000000000008000c0000000002230009004500001fe48b400040113eb40ac601020ac60101e9891e61000b17ab68690a0014000000"
        + "03000000000000000000000000000fed";

    [Theory]
    [InlineData(NewV4, "New 6 10.198.1.2 45164 10.198.1.1 8080")]
    [InlineData(NewV6, "New 6 fd98::2 34972 fd98::1 8080")]
    [InlineData(GoneV4, "Destroyed 6 10.198.1.2 45164 10.198.1.1 8080")]
    [InlineData(GoneV6, "Destroyed 6 fd98::2 34972 fd98::1 8080")]
    public void Connections_are_read(string bytes, string expected)
    {
        var record = Assert.Single(Connections(Convert.FromHexString(bytes)));
        Assert.Equal(expected, $"{record.Event} {record.Protocol} {record.Consumer} {record.ConsumerPort} {record.Provider} {record.Port}");
    }

    [Fact]
    public void A_connection_has_one_id_from_beginning_to_end_and_its_traffic_at_the_end()
    {
        var (made, gone) = (Assert.Single(Connections(Convert.FromHexString(NewV4))), Assert.Single(Connections(Convert.FromHexString(GoneV4))));
        Assert.Equal(made.Id, gone.Id);
        Assert.Equal(default, made.Traffic);
        Assert.Equal(new Traffic(6, 1320, 4, 1216), gone.Traffic);
        Assert.Equal((false, true), (made.Closed, gone.Closed));
    }

    [Fact]
    public void That_a_program_removed_a_connection_can_be_told() => Assert.NotEqual(0U, Assert.Single(Connections(Convert.FromHexString(GoneV6))).RequestedBy);

    [Fact]
    public void Blocked_packets_are_read_with_their_reason()
    {
        Assert.Equal(
            ["bulkhead:out:deny:42 6 10.198.1.2 60120 10.198.1.1 7777 60 0"],
            Packets(Convert.FromHexString(BlockedV4)));
        Assert.Equal(
            ["bulkhead:out:deny:42 6 fd98::2 60030 fd98::1 7777 80 1", "bulkhead:out:default 17 10.198.1.2 59785 10.198.1.1 7777 31 2"],
            Packets(Convert.FromHexString(BlockedV6ThenUdp)));
    }

    [Theory]
    [InlineData(NewV4)]
    [InlineData(GoneV6)]
    [InlineData(BlockedV4)]
    [InlineData(BlockedV6ThenUdp)]
    public void Cut_and_spoilt_bytes_are_left_out_and_nothing_more(string bytes)
    {
        var good = Convert.FromHexString(bytes);
        var random = new Random(good.Length);
        for (var i = 0; i < 5000; i++)
        {
            var spoilt = (byte[])good.Clone();
            for (var flips = random.Next(4); flips >= 0; flips--)
            {
                spoilt[random.Next(spoilt.Length)] ^= (byte)(1 << random.Next(8));
            }

            var cut = spoilt[..random.Next(spoilt.Length + 1)];
            _ = Connections(cut);
            _ = Packets(cut);
        }
    }

    private static List<ConntrackRecord> Connections(byte[] datagram)
    {
        var found = new List<ConntrackRecord>();
        var reader = new NetlinkReader(datagram);
        while (reader.Next())
        {
            if (ConntrackRecord.TryRead(reader.Current, isDump: false, out var record))
            {
                found.Add(record);
            }
        }

        return found;
    }

    private static List<string> Packets(byte[] datagram)
    {
        var found = new List<string>();
        var reader = new NetlinkReader(datagram);
        while (reader.Next())
        {
            if (BlockedPacket.TryRead(reader.Current, out var packet))
            {
                found.Add($"{packet.Why} {packet.Protocol} {packet.Source} {packet.SourcePort} {packet.Destination} {packet.Port} {packet.Length} {packet.Sequence}");
            }
        }

        return found;
    }
}
