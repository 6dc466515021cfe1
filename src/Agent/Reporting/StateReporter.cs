using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Linux.Sockets;
using Bulkhead.Agent.Policies;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Rules;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Reporting;

/// <summary>Tells the controller how the host is: on change at once, else every 30 s.</summary>
/// <param name="link">To the controller.</param>
/// <param name="features">What this host can decide.</param>
/// <param name="policies">What is enforced.</param>
/// <param name="problems">What is wrong.</param>
/// <param name="addresses">The host's addresses now.</param>
/// <param name="listeners">The host's listeners now.</param>
/// <param name="sessions">Who is signed in.</param>
/// <param name="telemetry">How telemetry goes.</param>
/// <param name="conntrack">How full conntrack is.</param>
/// <param name="changed">Set when something changed.</param>
/// <param name="time">The clock.</param>
/// <param name="log">The log.</param>
internal sealed class StateReporter(
    ControllerLink link, IReadOnlyList<string> features, PolicyLoop policies, Problems problems, Func<HostAddresses> addresses, Func<IReadOnlyList<HostListener>> listeners, UserSessions sessions, Func<TelemetryState> telemetry, ConntrackWatch conntrack, Signal changed, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan _goodbyeTimeout = TimeSpan.FromSeconds(2);

    private readonly Backoff _backoff = new(Random.Shared.NextDouble);
    private readonly AgentInfo _agent = HostFacts.Agent(features);

    /// <summary>Whether peers know this host.</summary>
    public PeerWait Peers { get; } = new();

    /// <summary>Called when what <see cref="Peers"/> waits for is another.</summary>
    public System.Action PeersChanged { get; init; } = () => { };

    /// <summary>How long at most between two reports.</summary>
    public static TimeSpan Interval { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Runs until cancelled; says goodbye then, if the controller is there.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            while (true)
            {
                var wait = Interval;
                var began = time.GetTimestamp();
                try
                {
                    await SendAsync(shuttingDown: false, cancel);
                    policies.Channel.Answered(began);
                    _backoff.Reset();
                    wait = Peers.Shorten(wait);
                }
                catch (Exception fault) when (ChannelFaults.IsExpected(fault) && !cancel.IsCancellationRequested)
                {
                    wait = _backoff.Next(ChannelFaults.Wait(fault));
                    if (link.Connected)
                    {
                        log.ReportFailed(ChannelFaults.Describe(fault));
                    }
                }

                await changed.WaitAsync(wait, time, cancel);
            }
        }
        finally
        {
            await SayGoodbyeAsync();
        }
    }

    /// <summary>What would be told now.</summary>
    public StateReport Report(bool shuttingDown)
    {
        var enforced = policies.State;
        var report = new StateReport
        {
            Agent = _agent,
            Identity = HostFacts.Host(link.Identity),
            Applied = enforced.Applied is { } applied ? new Generation { Epoch = applied.Epoch, Number = applied.Number } : null,
            Inbound = ToWire(enforced.Modes.Inbound),
            Outbound = ToWire(enforced.Modes.Outbound),
            Problems = { problems.Current },
            Tampered = policies.Tampered,
            SentUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds(),
            ShuttingDown = shuttingDown,
            Tracking = conntrack.Use is { Most: > 0 } use ? new() { Connections = (ulong)use.Count, Limit = (ulong)use.Most, Peak = (ulong)conntrack.Peak } : null,
        };
        foreach (var byInterface in addresses().All.GroupBy(address => address.Interface))
        {
            report.Interfaces.Add(new Interface
            {
                Name = byInterface.Key,
                Addresses = { byInterface.Select(a => new InterfaceAddress { Address = ByteString.CopyFrom(a.Address.ToBytes()), Length = (uint)a.Length }) },
            });
        }

        AddListeners(report);
        report.Sessions.AddRange(sessions.Read().Select(session => session.ToWire()));
        report.Telemetry = telemetry();
        return report;
    }

    private void AddListeners(StateReport report)
    {
        var indexes = new Dictionary<ProcessFacts, uint>(ReferenceEqualityComparer.Instance);
        foreach (var listener in listeners())
        {
            uint process = 0;
            if (listener.Process is { } facts && !indexes.TryGetValue(facts, out process))
            {
                report.Processes.Add(facts.ToWire());
                indexes[facts] = process = (uint)report.Processes.Count;
            }

            report.Listeners.Add(new Listener
            {
                Protocol = listener.Protocol,
                Port = listener.Port,
                Address = listener.Address is { } address ? ByteString.CopyFrom(address.ToBytes()) : ByteString.Empty,
                Process = process,
            });
        }
    }

    private async Task SendAsync(bool shuttingDown, CancellationToken cancel)
    {
        var report = Report(shuttingDown);
        report.AsksPeers = Peers.Asks(addresses());
        var answer = await link.Client.PostAsync("/agent/v1/state", report, StateAck.Parser, cancel);
        if (report.AsksPeers && Peers.Take(answer.Peers))
        {
            PeersChanged();
        }
    }

    private async Task SayGoodbyeAsync()
    {
        if (!link.Connected)
        {
            return;
        }

        using var timeout = new CancellationTokenSource(_goodbyeTimeout, time);
        try
        {
            await SendAsync(shuttingDown: true, timeout.Token);
        }
        catch (Exception fault) when (ChannelFaults.IsExpected(fault))
        {
            log.ReportFailed(ChannelFaults.Describe(fault));
        }
    }

    private static Mode ToWire(EnforcementMode mode) => mode switch
    {
        EnforcementMode.Selective => Mode.Selective,
        EnforcementMode.Full => Mode.Full,
        _ => Mode.Visibility,
    };
}
