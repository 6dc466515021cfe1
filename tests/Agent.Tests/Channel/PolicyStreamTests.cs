using Bulkhead.Agent.Channel;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Tests.Channel;

public sealed class PolicyStreamTests
{
    private static readonly ServerMessage _ping = new() { Ping = new Ping { ServerUnixMs = 42 } };

    [Fact]
    public async Task Messages_come_out_one_by_one_however_the_bytes_are_cut()
    {
        byte[] bytes = [.. TestController.Delimit(_ping), .. TestController.Delimit(_ping)];
        using var stream = new PolicyStream(new OneByteAtATime(bytes));
        Assert.Equal(_ping, await stream.ReadAsync(default));
        Assert.Equal(_ping, await stream.ReadAsync(default));
        Assert.Null(await stream.ReadAsync(default));
    }

    [Fact]
    public async Task A_stream_that_ends_within_a_message_is_truncated_wherever_it_ends()
    {
        var bytes = TestController.Delimit(_ping);
        for (var length = 1; length < bytes.Length; length++)
        {
            await RefusedAsync(bytes[..length], "ended within");
        }
    }

    [Fact]
    public Task An_oversized_message_is_refused_before_it_is_read() => RefusedAsync([0xff, 0xff, 0xff, 0xff, 0x0f], "the limit is");

    [Fact]
    public Task A_length_without_end_is_refused() => RefusedAsync([0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "five bytes");

    [Fact]
    public Task Bytes_that_are_no_message_are_refused() => RefusedAsync([3, 0xff, 0xff, 0xff], "malformed");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Random_bytes_do_no_more_than_be_refused(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 2000; i++)
        {
            var bytes = new byte[random.Next(40)];
            random.NextBytes(bytes);
            using var stream = new PolicyStream(new MemoryStream(bytes));
            try
            {
                while (await stream.ReadAsync(default) is not null)
                {
                }
            }
            catch (ChannelException refused)
            {
                Assert.Equal("malformed-answer", refused.Failure.Code);
            }
        }
    }

    private static async Task RefusedAsync(byte[] bytes, string reason)
    {
        using var stream = new PolicyStream(new MemoryStream(bytes));
        var refused = await Assert.ThrowsAsync<ChannelException>(() => stream.ReadAsync(default));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }

    private sealed class OneByteAtATime(byte[] bytes) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(1, buffer.Length)], cancellationToken);
    }
}
