using System.Net;
using System.Net.Sockets;

namespace Bulkhead.Lab;

/// <summary>How an attempt to connect ended.</summary>
public enum ProbeOutcome
{
    /// <summary>The connection was made.</summary>
    Connected,

    /// <summary>It was refused at once: by a reset in answer to the SYN, or by an ICMP error.</summary>
    Refused,

    /// <summary>Nothing answered in time.</summary>
    Timeout,

    /// <summary>It was made and then reset before the server had answered.</summary>
    Reset,
}

/// <summary>One attempt to use a service.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Milliseconds">From the SYN to the outcome.</param>
/// <param name="Answer">What the server said, in words; null if it said nothing.</param>
public sealed record ProbeResult(ProbeOutcome Outcome, double Milliseconds, string? Answer);

/// <summary>Tries services with real connections.</summary>
internal static class ServiceProbe
{
    /// <summary>Connects a new socket from inside a namespace and, if a protocol is given, has the server answer.</summary>
    /// <param name="network">Where from.</param>
    /// <param name="target">Where to.</param>
    /// <param name="wire">What to speak; null to be content with the connection.</param>
    /// <param name="timeout">The limit for connecting, and again for the answer.</param>
    /// <param name="cancellationToken">Ends the attempt with an exception.</param>
    public static async Task<ProbeResult> TryAsync(
        NetworkNamespace network, IPEndPoint target, WireProtocol? wire, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var socket = network.CreateTcpSocket(target.AddressFamily);
        return await TryAsync(socket, target, wire, timeout, cancellationToken);
    }

    /// <summary>The same with a socket that the caller made, and disposes of.</summary>
    public static async Task<ProbeResult> TryAsync(
        Socket socket, IPEndPoint target, WireProtocol? wire, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        ProbeResult Result(ProbeOutcome outcome, string? answer = null) =>
            new(outcome, Math.Round(TimeProvider.System.GetElapsedTime(start).TotalMilliseconds, 2), answer);

        var connected = false;
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(timeout);
            await socket.ConnectAsync(target, limit.Token);
            connected = true;
            if (wire is null)
            {
                return Result(ProbeOutcome.Connected);
            }

            limit.CancelAfter(timeout);
            return Result(ProbeOutcome.Connected, await AskAsync(socket, wire, limit.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Result(connected ? ProbeOutcome.Connected : ProbeOutcome.Timeout);
        }
        catch (SocketException e)
        {
            return Result(e.SocketErrorCode switch
            {
                _ when connected => ProbeOutcome.Reset,
                SocketError.TimedOut => ProbeOutcome.Timeout,
                _ => ProbeOutcome.Refused,
            });
        }
    }

    private static async Task<string?> AskAsync(Socket socket, WireProtocol wire, CancellationToken cancellationToken)
    {
        if (wire.Question.Length > 0)
        {
            await socket.SendAsync(wire.Question, cancellationToken);
        }

        var buffer = new byte[4096];
        var filled = 0;
        while (filled < buffer.Length)
        {
            var count = await socket.ReceiveAsync(buffer.AsMemory(filled), cancellationToken);
            filled += count;
            if (wire.Read(buffer.AsSpan(0, filled)) is { } answer)
            {
                return answer;
            }

            if (count == 0)
            {
                break;
            }
        }

        return null;
    }
}
