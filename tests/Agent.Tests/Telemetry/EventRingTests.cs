using System.Runtime.InteropServices;
using Bulkhead.Agent.Linux.Bpf;

namespace Bulkhead.Agent.Tests.Telemetry;

/// <summary>Rings as the kernel fills them, and as it never would.</summary>
public sealed class EventRingTests
{
    private const uint Busy = 1U << 31;
    private const uint Discarded = 1U << 30;

    private readonly byte[] _ring = new byte[4096];
    private ulong _written;
    private ulong _read;

    [Fact]
    public void Records_come_in_order_and_whole_also_where_the_ring_turns()
    {
        for (var round = 0; round < 200; round++)
        {
            for (var i = 0; i < 3; i++)
            {
                Write([.. Enumerable.Repeat((byte)(round + i), 80 + i)]);
            }

            var seen = Read();
            Assert.Equal([80, 81, 82], seen.Select(record => record.Length));
            Assert.All(seen, record => Assert.Equal((byte)(round + record.Length - 80), Assert.Single(record.Distinct())));
        }
    }

    [Fact]
    public void What_is_still_being_written_stops_the_reader_and_what_was_given_up_does_not()
    {
        Write([1]);
        Write([2], Discarded);
        Write([3]);
        var busy = Write([4], Busy);
        Write([5]);
        Assert.Equal([1, 3], Read().Select(record => record[0]));
        MemoryMarshal.Write(_ring.AsSpan(busy), 1U);
        Assert.Equal([4, 5], Read().Select(record => record[0]));
        Assert.Equal(_written, _read);
    }

    [Fact]
    public void Rubbish_is_never_read_beyond_and_never_for_ever()
    {
        var random = new Random(5);
        for (var i = 0; i < 20_000; i++)
        {
            random.NextBytes(_ring);
            // Lengths that could be, now and then, so that it gets further.
            for (var at = 0; at < _ring.Length; at += 8 * random.Next(1, 20))
            {
                MemoryMarshal.Write(_ring.AsSpan(at), (uint)random.Next(0, 200) | (random.Next(4) == 0 ? Discarded : 0));
            }

            var position = (ulong)random.NextInt64() & ~7UL;
            var end = position + (ulong)random.Next(0, 8192);
            var before = position;
            _ = EventRing.Read(_ring, ref position, end, record => _ = OwnerEvent.TryRead(record, out _));
            Assert.InRange(position, before, end);
        }
    }

    [Theory]
    [InlineData("sh\0bin\0usr\0", "/usr/bin/sh")]
    [InlineData("memfd:x\0", "/memfd:x")]
    [InlineData("", "")]
    [InlineData("\0", "")]
    [InlineData("a\0\0b\0", "/b//a")]
    public void A_path_is_put_together_from_its_last_component_on(string components, string expected)
    {
        Span<byte> into = stackalloc byte[OwnerFacts.LongestPath];
        var length = OwnerFacts.Join(System.Text.Encoding.UTF8.GetBytes(components), into);
        Assert.Equal(expected, System.Text.Encoding.UTF8.GetString(into[..length]));
    }

    [Fact]
    public void Components_of_any_bytes_fit()
    {
        var random = new Random(6);
        var into = new byte[OwnerFacts.LongestPath];
        var bytes = new byte[OwnerFacts.LongestPath];
        for (var i = 0; i < 20_000; i++)
        {
            random.NextBytes(bytes);
            for (var zeros = random.Next(50); zeros > 0; zeros--)
            {
                bytes[random.Next(bytes.Length)] = 0;
            }

            Assert.InRange(OwnerFacts.Join(bytes.AsSpan(0, random.Next(bytes.Length + 1)), into), 0, into.Length);
        }
    }

    private int Write(byte[] record, uint flags = 0)
    {
        var at = (int)(_written % (ulong)_ring.Length);
        MemoryMarshal.Write(_ring.AsSpan(at), (uint)record.Length | flags);
        for (var i = 0; i < record.Length; i++)
        {
            _ring[(at + 8 + i) % _ring.Length] = record[i];
        }

        _written += 8 + (((ulong)record.Length + 7) & ~7UL);
        return at;
    }

    private List<byte[]> Read()
    {
        var seen = new List<byte[]>();
        EventRing.Read(_ring, ref _read, _written, record => seen.Add(record.ToArray()));
        return seen;
    }
}
