using System.Buffers;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;

namespace Bulkhead.Agent.Channel;

/// <summary>
/// Reads length-delimited <see cref="ServerMessage"/>s. Bytes that are no such message end the stream with a
/// <see cref="ChannelException"/>; nothing of a message counts before all of it is there.
/// </summary>
/// <param name="stream">What the controller sends.</param>
/// <param name="owner">Disposed with the stream.</param>
internal sealed class PolicyStream(Stream stream, IDisposable? owner = null) : IDisposable
{
    /// <summary>The largest message, in bytes.</summary>
    public const int LargestMessage = 64 << 20;

    private const int FirstBuffer = 64 << 10;

    private readonly byte[] _one = new byte[1];

    /// <summary>The next message, or null if the controller ended the stream between two messages.</summary>
    /// <exception cref="ChannelException">The bytes are truncated, oversized or malformed.</exception>
    public async Task<ServerMessage?> ReadAsync(CancellationToken cancel)
    {
        if (await ReadLengthAsync(cancel) is not { } length)
        {
            return null;
        }

        var body = await ReadBodyAsync(length, cancel);
        try
        {
            return ServerMessage.Parser.ParseFrom(body.Span);
        }
        catch (InvalidProtocolBufferException malformed)
        {
            throw ChannelException.Malformed($"A message of {length} bytes on the policy stream is malformed: {malformed.Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        stream.Dispose();
        owner?.Dispose();
    }

    private async Task<int?> ReadLengthAsync(CancellationToken cancel)
    {
        ulong length = 0;
        for (var shift = 0; shift < 35; shift += 7)
        {
            if (await stream.ReadAsync(_one, cancel) == 0)
            {
                return shift == 0 ? null : throw Truncated("a message's length");
            }

            length |= (ulong)(_one[0] & 0x7f) << shift;
            if ((_one[0] & 0x80) == 0)
            {
                return length <= LargestMessage
                    ? (int)length
                    : throw ChannelException.Malformed($"A message on the policy stream claims {length} bytes; the limit is {LargestMessage}.");
            }
        }

        throw ChannelException.Malformed("A message's length on the policy stream has more than five bytes.");
    }

    private async Task<ReadOnlyMemory<byte>> ReadBodyAsync(int length, CancellationToken cancel)
    {
        // Memory grows with what has come, not with what was claimed.
        var body = new ArrayBufferWriter<byte>(Math.Clamp(length, 1, FirstBuffer));
        while (body.WrittenCount < length)
        {
            var room = body.GetMemory(1);
            var read = await stream.ReadAsync(room[..Math.Min(room.Length, length - body.WrittenCount)], cancel);
            if (read == 0)
            {
                throw Truncated($"a message of {length} bytes, after {body.WrittenCount}");
            }

            body.Advance(read);
        }

        return body.WrittenMemory;
    }

    private static ChannelException Truncated(string where) =>
        ChannelException.Malformed($"The policy stream ended within {where}.");
}
