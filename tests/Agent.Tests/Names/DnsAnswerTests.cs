using System.Buffers.Binary;
using System.Text;
using Bulkhead.Agent.Names;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Tests.Names;

public sealed class DnsAnswerTests
{
    private readonly List<NamedAddress> _found = [];

    [Fact]
    public void Addresses_are_those_of_the_name_that_was_asked_for()
    {
        var message = new Message("WWW.Example.org", 1).Record(5, 60, Message.Name("cdn.example.net")).Record(1, 30, [192, 0, 2, 1]).Record(1, 31, [192, 0, 2, 2]).Bytes;
        Assert.Equal("www.example.org", DnsAnswer.Read(message, _found));
        Assert.Equal([new(IpAddress.Parse("192.0.2.1"), 30), new(IpAddress.Parse("192.0.2.2"), 31)], _found);
    }

    [Fact]
    public void The_other_family_is_read_as_well()
    {
        var address = IpAddress.Parse("2001:db8::1");
        Assert.Equal("a.b", DnsAnswer.Read(new Message("a.b", 28).Record(28, 5, address.ToBytes()).Bytes, _found));
        Assert.Equal([new(address, 5)], _found);
    }

    [Theory]
    [InlineData("a query", 2, 0x01)]
    [InlineData("an error", 3, 0x83)]
    [InlineData("two questions", 5, 2)]
    [InlineData("no answer", 7, 0)]
    public void Whatever_is_no_answer_names_nothing(string what, int at, byte value)
    {
        var message = new Message("a.b", 1).Record(1, 5, [192, 0, 2, 1]).Bytes;
        message[at] = value;
        Assert.True(DnsAnswer.Read(message, _found) is null, what);
    }

    [Fact]
    public void A_name_that_no_host_has_is_left_out() => Assert.Null(DnsAnswer.Read(new Message("a\u001b[2J.b", 1).Record(1, 5, [192, 0, 2, 1]).Bytes, _found));

    [Fact]
    public void A_cut_answer_gives_what_is_whole()
    {
        var message = new Message("a.b", 1).Record(1, 5, [192, 0, 2, 1]).Record(1, 5, [192, 0, 2, 2]).Bytes;
        Assert.Equal("a.b", DnsAnswer.Read(message.AsSpan(0, message.Length - 1), _found));
        Assert.Single(_found);
    }

    /// <summary>Whatever the bytes are, reading ends, within them, with bounded findings. More rounds with BULKHEAD_RUNS.</summary>
    [Fact]
    public void Any_bytes_are_survived()
    {
        var random = new Random(5);
        var rounds = int.TryParse(Environment.GetEnvironmentVariable("BULKHEAD_RUNS"), out var asked) ? asked : 50_000;
        var whole = new Message("www.example.org", 1).Record(5, 60, Message.Name("cdn.example.net")).Record(1, 30, [192, 0, 2, 1]).Bytes;
        for (var round = 0; round < rounds; round++)
        {
            var bytes = random.Next(4) == 0 ? new byte[random.Next(600)] : (byte[])whole.Clone();
            if (random.Next(4) == 0 && bytes.Length != whole.Length)
            {
                random.NextBytes(bytes);
            }

            for (var i = random.Next(6); i > 0 && bytes.Length > 0; i--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            var cut = bytes.AsSpan(0, random.Next(bytes.Length + 1));
            var name = DnsAnswer.Read(cut, _found);
            Assert.True(_found.Count <= 64 && name is null or { Length: > 0 and <= 253 });
            Assert.True(name is null || name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '_' or '.'));
            _ = DnsPacket.TryRead(cut, out _);
        }
    }

    /// <summary>Writes a DNS answer.</summary>
    internal sealed class Message
    {
        private readonly MemoryStream _bytes = new();

        public Message(string name, ushort type)
        {
            _bytes.Write([0, 1, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
            _bytes.Write([.. Name(name), 0, (byte)type, 0, 1]);
        }

        public byte[] Bytes => _bytes.ToArray();

        public static byte[] Name(string name) => [.. name.Split('.').SelectMany(label => Encoding.ASCII.GetBytes(label).Prepend((byte)label.Length)), 0];

        public Message Record(byte type, uint seconds, byte[] data)
        {
            var head = new byte[12];
            (head[0], head[1], head[3], head[5]) = (0xc0, 12, type, 1);
            BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(6), seconds);
            BinaryPrimitives.WriteUInt16BigEndian(head.AsSpan(10), (ushort)data.Length);
            _bytes.Write(head);
            _bytes.Write(data);
            var count = _bytes.GetBuffer()[7]++;
            return count < 255 ? this : throw new InvalidOperationException("too many records");
        }
    }
}
