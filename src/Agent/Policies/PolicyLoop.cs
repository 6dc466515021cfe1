using System.Security.Cryptography.X509Certificates;
using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Agent.State;
using Bulkhead.Enforcement.State;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Microsoft.Extensions.Logging;
using Wire = Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>
/// Runs what <see cref="PolicyMachine"/> decides: policies come in, the kernel and the cache are made to follow, the outcome is published.
/// <code>
///   channel ─Offer──►┐                        ┌─► PolicyCache (disk)
///   watch ──Tampered─►├─ PolicyMachine.Step ──┼─► FirewallDriver (kernel)
///   timer ─────Tick──►┤                       └─► State, Problems → report
///   ChannelEvidence ─►┤
///   panic, resume ───►┘
/// </code>
/// </summary>
internal sealed class PolicyLoop : IDisposable
{
    private const string Topic = "policy";
    private const int LargePolicy = 5000;
    private const long TidyAfter = 400_000;
    private static readonly TimeSpan _longestWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _examineEvery = TimeSpan.FromMinutes(1);

    private readonly StateDirectory _folder;
    private readonly PolicyCache _cache;
    private readonly FirewallDriver _firewall;
    private readonly X509Certificate2? _authority;
    private readonly DialledController _dialled;
    private readonly PolicyKeeper _keeper;
    private readonly Problems _problems;
    private readonly Action _changed;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly SteadyClock _clock;
    private readonly Signal _signal = new();
    private readonly PanicWatch _panic;
    private PolicyState _state;
    private readonly LostConnections _lost;
    private readonly UnstampedSockets _unstamped;
    private ReceivedPolicy? _held;
    private ReceivedPolicy? _proven;
    private long _appliedAt;
    private bool _heard;
    private bool _confirmed;
    private long _examined;
    private long _collected;
    private EnforcementState _published = EnforcementState.Nothing;

    /// <summary>Makes it; nothing is enforced before <see cref="StartAsync"/>.</summary>
    /// <param name="folder">The agent's folder.</param>
    /// <param name="firewall">The kernel's table.</param>
    /// <param name="features">What the host can decide.</param>
    /// <param name="markMask">The bits of socket marks that are ours.</param>
    /// <param name="authority">The controller's CA; null if it is not known, and then no new epoch is believed.</param>
    /// <param name="dialled">Where the agent itself reaches the controller, if that is known by address.</param>
    /// <param name="own">The agent's own connections.</param>
    /// <param name="problems">Where problems are stated.</param>
    /// <param name="changed">Called after each change of what is enforced.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">The log.</param>
    public PolicyLoop(
        StateDirectory folder, FirewallDriver firewall, EquatableArray<string> features, uint markMask, X509Certificate2? authority, ControllerEndpoint? dialled, OwnConnections own, Problems problems, Action changed, TimeProvider time, ILogger log)
    {
        (_folder, _cache, _firewall, _authority, _dialled, _problems, _changed, _time, _log) = (folder, new(folder), firewall, authority, new(dialled), problems, changed, time, log);
        _keeper = new(problems, log);
        _clock = new(time);
        _state = PolicyState.Initial with { Features = features, MarkMask = markMask };
        Inbox = new(_signal);
        _lost = new(firewall, problems);
        _unstamped = new(firewall, problems, time);
        Channel = new(own, _signal.Set);
        own.Known = () => Volatile.Read(ref _state).Effective?.Controllers ?? [];
        _panic = new(folder, _signal.Set, time);
    }

    /// <summary>Takes what is learned of the controller's channel.</summary>
    public ChannelEvidence Channel { get; }

    /// <summary>What the kernel enforces now; from any thread.</summary>
    public EnforcementState State => Volatile.Read(ref _published);

    /// <summary>Times that somebody else changed our table, since the agent started.</summary>
    public ulong Tampered { get; private set; }

    /// <summary>Whether the kernel did not take what it was last given.</summary>
    public bool Failed => _state.Failure is not null;

    /// <summary>Takes what happens.</summary>
    public PolicyInbox Inbox { get; }

    /// <summary>Called when a delta does not fit, or there are many: the controller is to send a whole policy.</summary>
    public Action AskForWhole { get; set; } = () => { };

    /// <summary>Puts the cached policy in force; to be awaited before anything else is started.</summary>
    public async Task StartAsync(CancellationToken cancel)
    {
        var cached = _cache.Load();
        (_held, _proven) = cached is CachedPolicy.Whole whole ? (whole.Policy, whole.Proven) : default;
        cached.Tell(_log);
        var lost = (cached as CachedPolicy.Lost)?.Marker;

        await HandleAsync(
            new PolicyEvent.Started(
                _held is null ? null : _dialled.With(_held.Policy),
                lost?.Modes ?? (cached as CachedPolicy.Whole)?.Marked ?? default,
                _dialled.With(lost?.Controllers ?? []),
                lost?.FailSafe ?? [])
            {
                Proven = _proven is null ? null : _dialled.With(_proven.Policy),
                Panic = PanicOrder.Load(_folder)?.ToProblem(),
            },
            cancel);
        _proven ??= _held;
    }

    /// <inheritdoc/>
    public void Dispose() => _panic.Dispose();

    /// <summary>Runs until cancelled. The rules stay in the kernel.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (true)
        {
            var wait = _state.RetryAt is { } at ? at - _clock.Now : _longestWait;
            wait = _unstamped.Shorten(_lost.Shorten(wait));
            await _signal.WaitAsync(wait < TimeSpan.Zero ? TimeSpan.Zero : wait, _time, cancel);
            await HandleAsync(new PolicyEvent.Panicked(PanicOrder.Load(_folder)?.ToProblem()), cancel);
            foreach (var evidence in Channel.Take(_appliedAt))
            {
                await HandleAsync(evidence, cancel);
                Confirm(evidence);
            }

            if (await TakeAsync(cancel))
            {
                // What a large policy came in is many times what it is kept in, and would stay resident.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            }
            else if (GC.GetTotalAllocatedBytes() - _collected > TidyAfter)
            {
                // Else it would happen while the next change is waited for.
                GC.Collect(0);
                _collected = GC.GetTotalAllocatedBytes();
            }

            var (by, doubted) = Inbox.TakeTampering();
            if (doubted || by is not null || _time.GetElapsedTime(_examined) >= _examineEvery)
            {
                await ExamineAsync(by, cancel);
            }

            if (Inbox.TakePrograms() is { } programs)
            {
                _log.ProgramsTampered(programs);
                await HandleAsync(new PolicyEvent.ProgramsTampered(programs), cancel);
            }

            if (await _unstamped.TendAsync(cancel) is { } restamped)
            {
                LogOutcome(restamped);
            }

            if (await _lost.SettleAsync(Inbox.TakeLostConnections(), cancel) is { } settled)
            {
                LogOutcome(settled);
            }

            if (Inbox.TakeCgroups() && _state.RetryAt is null)
            {
                await RefreshAsync(cancel);
            }

            await HandleAsync(new PolicyEvent.Tick(), cancel);
        }
    }

    /// <summary>Looks whether the table is still as it was left, and has it put back if it is not.</summary>
    private async Task ExamineAsync(string? by, CancellationToken cancel)
    {
        _examined = _time.GetTimestamp();
        var changes = await _firewall.ExamineAsync(cancel);
        if (changes.Count > 0)
        {
            var (who, what) = (by ?? "an unknown process", string.Join("; ", changes));
            _log.Tampered(who, what);
            await HandleAsync(new PolicyEvent.Tampered(who, what), cancel);
        }
        else if (by is not null)
        {
            _log.TamperingUndone(by);
            await HandleAsync(new PolicyEvent.Tampered(by, IsUndone: true), cancel);
        }
    }

    private async Task RefreshAsync(CancellationToken cancel)
    {
        var outcome = await _firewall.RefreshAsync(cancel);
        LogOutcome(outcome);
        if (!outcome.Ok)
        {
            _log.ApplyFailed(_state.Effective?.Generation.ToString() ?? "", outcome.Error!);
            await HandleAsync(new PolicyEvent.ApplyFailed(outcome.Error!), cancel);
        }
    }

    /// <summary>Takes what the controller sent; whether it was large.</summary>
    private async Task<bool> TakeAsync(CancellationToken cancel)
    {
        var (whole, deltas) = Inbox.TakePolicies();
        if (whole is not null)
        {
            await TakeAsync(whole, cancel);
        }

        if (deltas.Count > 0)
        {
            await TakeAsync(deltas, cancel);
        }

        return whole?.PeerSets.Sum(set => set.Members.Count) >= LargePolicy;
    }

    private async Task TakeAsync(Wire.HostPolicy wire, CancellationToken cancel)
    {
        var decoded = PolicyDecoder.Decode(wire);
        if (decoded.Value is not { } policy)
        {
            await HandleAsync(new PolicyEvent.Unreadable(PolicyDecoder.Refusal(wire, decoded.Diagnostics)), cancel);
            return;
        }

        await OfferAsync(ReceivedPolicy.Of(wire, policy), _authority is { } authority && EpochProofs.Holds(wire, authority), cancel);
    }

    private async Task TakeAsync(IReadOnlyList<Wire.PolicyDelta> deltas, CancellationToken cancel)
    {
        var next = _held;
        foreach (var delta in deltas)
        {
            next = next?.With(delta);
        }

        if (next is null)
        {
            _log.DeltaMisfit();
            AskForWhole();
            return;
        }

        // The epoch is that of a policy which was accepted.
        await OfferAsync(next, epochProven: true, cancel);
        if (next.IsLong)
        {
            AskForWhole();
        }
    }

    private async Task OfferAsync(ReceivedPolicy received, bool epochProven, CancellationToken cancel)
    {
        var before = _held;
        _held = received;
        await HandleAsync(new PolicyEvent.Offered(_dialled.With(received.Policy), epochProven), cancel);
        if (_state.Refusal is not null)
        {
            _held = before;
        }

        _heard |= _state.Refusal is null;
    }

    private void Confirm(PolicyEvent evidence)
    {
        if (!_confirmed && _heard && evidence is PolicyEvent.ChannelWorked && _state is { Applied: { } applied, RolledBack: false } && applied.Generation == _state.Desired?.Generation)
        {
            _confirmed = true;
            Publish();
        }
    }

    private async Task HandleAsync(PolicyEvent happened, CancellationToken cancel)
    {
        var (refusal, before) = (_state.Refusal, _state.Cut);
        (_state, var effects) = PolicyMachine.Step(_state, happened, _clock.Now);
        if (_state.Cut is { } cut && cut != before)
        {
            _log.ChannelCut(cut.Message);
        }

        if (_state.Refusal is { } refused && refused != refusal)
        {
            _log.PolicyRefused(refused.Message);
        }

        foreach (var effect in effects)
        {
            switch (effect)
            {
                case PolicyEffect.KeepProven when _proven is { } proven:
                    _keeper.Keep(() => _cache.KeepProven(proven), isPolicy: false);
                    break;
                case PolicyEffect.ForgetProven:
                    _proven = _held;
                    _log.PolicyProven(_state.Proven!.Generation.ToString());
                    _keeper.Keep(_cache.ForgetProven, isPolicy: false);
                    break;
                case PolicyEffect.Persist:
                    _keeper.Keep(() => _cache.BeforeApplying(_held!));
                    break;
                case PolicyEffect.Open:
                    await OpenAsync(cancel);
                    break;
                case PolicyEffect.Apply apply:
                    await ApplyAsync(apply, cancel);
                    break;
                case PolicyEffect.ShutUnlessStanding shut when await _firewall.ShutUnlessStandingAsync(shut.Locked, cancel) is { } outcome:
                    _log.Shut(outcome.Error ?? "only essential and fail-safe connections pass in the enforced directions");
                    await HandleAsync(new PolicyEvent.Shut(shut.Locked, outcome.Error), cancel);
                    break;
                case PolicyEffect.Report:
                    Publish();
                    break;
            }
        }
    }

    private async Task OpenAsync(CancellationToken cancel)
    {
        var outcome = await _firewall.RemoveAsync(cancel);
        if (outcome.Ok)
        {
            _log.Opened(_state.Panic?.Message ?? "");
        }
        else
        {
            _log.ApplyFailed("none", outcome.Error!);
        }

        await HandleAsync(outcome.Ok ? new PolicyEvent.Opened() : new PolicyEvent.ApplyFailed(outcome.Error!), cancel);
    }

    private async Task ApplyAsync(PolicyEffect.Apply apply, CancellationToken cancel)
    {
        var began = _time.GetTimestamp();
        var outcome = await _firewall.ApplyRulesAsync(apply.Policy, apply.Replace, cancel);
        outcome = outcome.Ok ? outcome.And(await _lost.SweepAsync(Inbox, LogOutcome, cancel)) : outcome;
        if (!outcome.Ok)
        {
            _log.ApplyFailed(apply.Policy.Generation.ToString(), outcome.Error!);
            await HandleAsync(new PolicyEvent.ApplyFailed(outcome.Error!), cancel);
            return;
        }

        _log.PolicyApplied(
            apply.Policy.Generation.ToString(), _time.GetElapsedTime(began).TotalMilliseconds, apply.Policy.Modes.Inbound, apply.Policy.Modes.Outbound, outcome.Steps);
        LogOutcome(outcome);
        _appliedAt = _time.GetTimestamp();
        _keeper.Keep(_cache.Sync);
        await HandleAsync(new PolicyEvent.Applied(apply.Policy), cancel);
        if (_held is { } held && held.Policy.Generation == apply.Policy.Generation)
        {
            _keeper.Keep(() => _cache.AfterApplying(held));
        }
    }

    private void LogOutcome(ApplyOutcome outcome)
    {
        if (outcome.Destroyed + outcome.Forgotten + outcome.Admitted > 0)
        {
            _log.LiveConnections(outcome.Destroyed, outcome.Forgotten, outcome.Admitted);
        }

        if (outcome.Undone.Count > 0)
        {
            _log.Tampered("an unknown process", string.Join("; ", outcome.Undone));
        }
    }

    private void Publish()
    {
        var applied = _state.Applied;
        Tampered = _state.Tampered;
        Volatile.Write(ref _published, new EnforcementState(
            applied is null || applied.Generation == default ? null : applied.Generation, applied?.Modes ?? default, _state.Loss is not null || applied?.Generation == default(Generation), _state.Panic is not null, _confirmed));
        _problems.Set(Topic, [.. _state.Problems.Select(problem => new Wire.Failure { Code = problem.Code, Message = problem.Message, Remedy = problem.Remedy })]);
        _changed();
    }
}
