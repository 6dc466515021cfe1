using System.Net.Sockets;

namespace Bulkhead.Lab;

/// <summary>How a held connection came to its end.</summary>
public enum ConnectionEnd
{
    /// <summary>A reset, or an error from its own host, ended it.</summary>
    Reset,

    /// <summary>The server closed it.</summary>
    Closed,

    /// <summary>An exchange went unanswered for three seconds.</summary>
    Silent,

    /// <summary>It was alive when it was let go.</summary>
    LetGo,
}

/// <summary>The end of a held connection.</summary>
/// <param name="At">When it was noticed.</param>
/// <param name="Timestamp">The same on <see cref="TimeProvider.System"/>'s monotonic clock.</param>
/// <param name="How">In which way.</param>
/// <param name="Exchanges">How many questions had been answered.</param>
public sealed record ConnectionDeath(DateTimeOffset At, long Timestamp, ConnectionEnd How, int Exchanges);

/// <summary>An established connection from a lab host, kept busy with a small exchange every 100 ms until it dies.</summary>
public sealed class HeldConnection : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _letGo = new();
    private readonly Socket _socket;

    private HeldConnection(Socket socket, byte[] question)
    {
        _socket = socket;
        Death = HoldAsync(question);
    }

    /// <summary>Completes when the connection has died, or was let go.</summary>
    public Task<ConnectionDeath> Death { get; }

    /// <summary>Opens a connection and starts holding it, once the server has answered for the first time.</summary>
    /// <exception cref="LabException">It cannot be made, or the service does not answer again and again on one connection.</exception>
    public static async Task<HeldConnection> OpenAsync(LabHost from, LabService to, bool ipv6, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(to);
        var question = to.Wire.Repeatable
            ?? throw new LabException($"{to.Name} cannot be held: its protocol has no question to repeat; redis and HTTP servers can");
        var socket = from.Network.CreateTcpSocket(to.EndPoint(ipv6).AddressFamily);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Patience);
            await socket.ConnectAsync(to.EndPoint(ipv6), limit.Token);
            if (!await ExchangeAsync(socket, question, limit.Token))
            {
                throw new LabException($"{to.Name} closed the connection at once");
            }

            return new(socket, question);
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            socket.Dispose();
            throw new LabException($"{from.Name} cannot connect to {to.Name}: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Lets the connection go.</summary>
    public async ValueTask DisposeAsync()
    {
        await _letGo.CancelAsync();
        await Death;
        _letGo.Dispose();
    }

    private async Task<ConnectionDeath> HoldAsync(byte[] question)
    {
        var exchanges = 1;
        var how = ConnectionEnd.Closed;
        using var timer = new PeriodicTimer(Interval);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_letGo.Token);
        using (_socket)
        {
            try
            {
                do
                {
                    exchanges++;
                    limit.CancelAfter(Timeout.InfiniteTimeSpan);
                    await timer.WaitForNextTickAsync(_letGo.Token);
                    limit.CancelAfter(Patience);
                }
                while (await ExchangeAsync(_socket, question, limit.Token));
            }
            catch (OperationCanceledException)
            {
                how = _letGo.IsCancellationRequested ? ConnectionEnd.LetGo : ConnectionEnd.Silent;
            }
            catch (SocketException)
            {
                how = ConnectionEnd.Reset;
            }

            return new(TimeProvider.System.GetUtcNow(), TimeProvider.System.GetTimestamp(), how, exchanges - 1);
        }
    }

    private static async Task<bool> ExchangeAsync(Socket socket, byte[] question, CancellationToken cancellationToken)
    {
        await socket.SendAsync(question, cancellationToken);
        return await socket.ReceiveAsync(new byte[4096].AsMemory(), cancellationToken) > 0;
    }
}
