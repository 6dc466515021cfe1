using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Channel;

/// <summary>Keeps the policy stream open and hands on what it brings.</summary>
internal sealed class PolicyReceiver(ControllerLink link, Action<HostPolicy> received, System.Action connectionChanged, Problems problems, TimeProvider time, ILogger log)
{
    private const string ConnectionTopic = "channel";
    private const string MessageTopic = "channel-message";
    private const uint LongestWatch = 300;

    private CancellationTokenSource? _stream;

    private readonly Backoff _backoff = new(Random.Shared.NextDouble);

    /// <summary>A stream that brings nothing for this long is taken for dead.</summary>
    public static TimeSpan Silence { get; } = TimeSpan.FromSeconds(45);

    /// <summary>Takes deltas; null if whole policies only are to be sent.</summary>
    public Action<PolicyDelta>? ReceivedDelta { get; init; }

    /// <summary>Is told for how long somebody watches this host; null if that makes no difference.</summary>
    public Action<TimeSpan>? Watched { get; init; }

    /// <summary>Opens the stream again, which begins with a whole policy. From any thread.</summary>
    public void Restart()
    {
        try
        {
            Volatile.Read(ref _stream)?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has just ended, and is opened again anyway.
        }
    }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (true)
        {
            TimeSpan? atLeast = null;
            string reason;
            try
            {
                using var stream = await link.Client.OpenPolicyAsync(deltas: ReceivedDelta is not null, watch: Watched is not null, cancel);
                using var restart = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                Volatile.Write(ref _stream, restart);
                try
                {
                    await ReadAsync(stream, restart.Token);
                    reason = "the controller ended the stream";
                }
                catch (OperationCanceledException) when (restart.IsCancellationRequested && !cancel.IsCancellationRequested)
                {
                    reason = "a whole policy is needed";
                }
                finally
                {
                    Volatile.Write(ref _stream, null);
                }
            }
            catch (Exception fault) when (ChannelFaults.IsExpected(fault) && !cancel.IsCancellationRequested)
            {
                reason = ChannelFaults.Describe(fault);
                atLeast = ChannelFaults.Wait(fault);
                Report(fault);
            }

            SetConnected(false);
            var wait = _backoff.Next(atLeast);
            log.Disconnected(reason, wait.TotalSeconds);
            await Task.Delay(wait, time, cancel);
        }
    }

    private async Task ReadAsync(PolicyStream stream, CancellationToken cancel)
    {
        while (await ReadOneAsync(stream, cancel) is { } message)
        {
            if (!link.Connected)
            {
                SetConnected(true);
                problems.Clear(ConnectionTopic);
                log.Connected(link.Identity.Controller.Authority);
            }

            switch (message.BodyCase)
            {
                case ServerMessage.BodyOneofCase.Policy:
                    _backoff.Reset();
                    problems.Clear(MessageTopic);
                    received(message.Policy);
                    break;
                case ServerMessage.BodyOneofCase.Delta when ReceivedDelta is not null:
                    problems.Clear(MessageTopic);
                    ReceivedDelta(message.Delta);
                    break;
                case ServerMessage.BodyOneofCase.Watch when Watched is not null:
                    Watched(TimeSpan.FromSeconds(Math.Min(message.Watch.Seconds, LongestWatch)));
                    break;
                case ServerMessage.BodyOneofCase.Ping:
                    break;
                default:
                    problems.Set(MessageTopic, new Failure
                    {
                        Code = "unknown-message",
                        Message = "The controller sent a message of a kind that this agent does not know; it was not acted on.",
                        Remedy = "Update the agent.",
                    });
                    break;
            }
        }
    }

    private async Task<ServerMessage?> ReadOneAsync(PolicyStream stream, CancellationToken cancel)
    {
        using var silence = new CancellationTokenSource(Silence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, silence.Token);
        try
        {
            return await stream.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (silence.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new IOException($"nothing came for {Silence.TotalSeconds:0} s");
        }
    }

    private void Report(Exception fault)
    {
        if (fault is ChannelException { Status: null } malformed)
        {
            problems.Set(MessageTopic, malformed.Failure);
        }
        else if (fault is ChannelException { IsRejection: true } rejected)
        {
            problems.Set(ConnectionTopic, rejected.Failure);
        }
    }

    private void SetConnected(bool connected)
    {
        if (link.Connected != connected)
        {
            link.Connected = connected;
            connectionChanged();
        }
    }
}
