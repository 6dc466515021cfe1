using System.Collections.Immutable;
using System.Net.Sockets;
using System.Threading.Channels;
using Bulkhead.Agent.State;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Live;

/// <summary>
/// Gives each window to whoever on the host follows the flows: over a unix socket in the agent's folder, which only root may open, as
/// <see cref="FlowBatch"/>es, each behind its length in four bytes, the lowest first. One that does not keep up misses windows, and is told how many.
/// For each window that it has shown it sends back a byte; windows are short only for those that do, rather than for one that was stopped.
/// </summary>
internal sealed class FlowFollowers(string path, WindowPace pace, ILogger log)
{
    /// <summary>How many may follow at a time.</summary>
    public const int Most = 16;

    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    private const int MostWaiting = 32;

    /// <summary>How many windows a follower may not have shown yet, and still counts as watching.</summary>
    public const int MostUnread = 10;

    private ImmutableArray<Follower> _followers = [];

    /// <summary>How many follow.</summary>
    public int Count => _followers.Length;

    /// <summary>Gives a window to all; never blocks.</summary>
    public void Publish(FlowBatch batch)
    {
        if (_followers.IsEmpty)
        {
            return;
        }

        var content = batch.ToByteArray();
        foreach (var follower in _followers)
        {
            follower.Offer(content);
        }
    }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        if (Listen() is not { } listener)
        {
            await Task.Delay(Timeout.Infinite, cancel);
            return;
        }

        using (listener)
        {
            try
            {
                while (true)
                {
                    Socket socket;
                    try
                    {
                        socket = await listener.AcceptAsync(cancel);
                    }
                    catch (SocketException failed)
                    {
                        // Such as no descriptor being left.
                        log.FlowsNotFollowable(path, failed.Message);
                        await Task.Delay(_pause, cancel);
                        continue;
                    }

                    if (_followers.Length >= Most)
                    {
                        socket.Dispose();
                        continue;
                    }

                    _ = ServeAsync(socket, cancel);
                }
            }
            finally
            {
                File.Delete(path);
            }
        }
    }

    private Socket? Listen()
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // The folder is ours alone while its lock is held, so that what is there is of a run that was killed.
            File.Delete(path);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, DurableFile.Private);
            listener.Listen(Most);
            return listener;
        }
        catch (Exception failed) when (failed is SocketException or IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            listener.Dispose();
            log.FlowsNotFollowable(path, failed.Message);
            return null;
        }
    }

    private async Task ServeAsync(Socket socket, CancellationToken cancel)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var stream = new NetworkStream(socket, ownsSocket: true);
        using var follower = new Follower(pace);
        ImmutableInterlocked.Update(ref _followers, (all, one) => all.Add(one), follower);
        Task[] either = [follower.WriteAsync(stream, end.Token), follower.ReadAsync(stream, end.Token)];
        await Task.WhenAny(either);
        ImmutableInterlocked.Update(ref _followers, (all, one) => all.Remove(one), follower);
        await end.CancelAsync();
        await Task.WhenAll(either).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private sealed class Follower(WindowPace pace) : IDisposable
    {
        private readonly Lock _gate = new();
        private int _unread;
        private IDisposable? _watching = pace.Follow();
        private readonly Channel<byte[]> _waiting = System.Threading.Channels.Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
        private long _missed;

        public void Offer(byte[] batch)
        {
            if (!_waiting.Writer.TryWrite(batch))
            {
                Interlocked.Increment(ref _missed);
                return;
            }

            lock (_gate)
            {
                if (++_unread > MostUnread)
                {
                    _watching?.Dispose();
                    _watching = null;
                }
            }
        }

        /// <summary>Reads what was shown, until it ends.</summary>
        public async Task ReadAsync(Stream stream, CancellationToken cancel)
        {
            var shown = new byte[MostWaiting];
            while (await stream.ReadAsync(shown, cancel) is > 0 and var count)
            {
                lock (_gate)
                {
                    _unread = Math.Max(0, _unread - count);
                    _watching ??= _unread <= MostUnread ? pace.Follow() : null;
                }
            }
        }

        public void Dispose() => _watching?.Dispose();

        public async Task WriteAsync(Stream stream, CancellationToken cancel)
        {
            await foreach (var batch in _waiting.Reader.ReadAllAsync(cancel))
            {
                await SendAsync(stream, batch, cancel);
                if (Interlocked.Exchange(ref _missed, 0) is > 0 and var missed)
                {
                    await SendAsync(stream, new FlowBatch { DroppedBatches = (ulong)missed }.ToByteArray(), cancel);
                }
            }
        }

        private static async Task SendAsync(Stream stream, byte[] batch, CancellationToken cancel)
        {
            await stream.WriteAsync(BitConverter.GetBytes(batch.Length), cancel);
            await stream.WriteAsync(batch, cancel);
        }
    }
}
