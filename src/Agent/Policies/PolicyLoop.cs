using System.Security.Cryptography.X509Certificates;
using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Agent.State;
using Bulkhead.Enforcement.Render;
using Bulkhead.Enforcement.State;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Rules;
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
    private const string CacheTopic = "policy-cache";
    private const int LargePolicy = 5000;
    private static readonly TimeSpan _longestWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _examineEvery = TimeSpan.FromMinutes(1);

    private readonly StateDirectory _folder;
    private readonly PolicyCache _cache;
    private readonly FirewallDriver _firewall;
    private readonly X509Certificate2 _authority;
    private readonly ControllerEndpoint? _dialled;
    private readonly Problems _problems;
    private readonly Action _changed;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Signal _signal = new();
    private readonly PanicWatch _panic;
    private PolicyState _state;
    private ReceivedPolicy? _held;
    private ReceivedPolicy? _proven;
    private long _appliedAt;
    private bool _heard;
    private bool _confirmed;
    private readonly PolicyInbox _inbox = new();
    private string? _tamperedBy;
    private int _settle;
    private int _doubt;
    private long _examined;
    private int _refresh;
    private EnforcementState _published = EnforcementState.Nothing;

    /// <summary>Makes it; nothing is enforced before <see cref="StartAsync"/>.</summary>
    /// <param name="folder">The agent's folder.</param>
    /// <param name="firewall">The kernel's table.</param>
    /// <param name="features">What the host can decide.</param>
    /// <param name="markMask">The bits of socket marks that are ours.</param>
    /// <param name="authority">The controller's CA.</param>
    /// <param name="dialled">Where the agent itself reaches the controller, if that is known by address.</param>
    /// <param name="own">The agent's own connections.</param>
    /// <param name="problems">Where problems are stated.</param>
    /// <param name="changed">Called after each change of what is enforced.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">The log.</param>
    public PolicyLoop(
        StateDirectory folder, FirewallDriver firewall, EquatableArray<string> features, uint markMask, X509Certificate2 authority, ControllerEndpoint? dialled, OwnConnections own, Problems problems, Action changed, TimeProvider time, ILogger log)
    {
        (_folder, _cache, _firewall, _authority, _dialled, _problems, _changed, _time, _log) = (folder, new(folder), firewall, authority, dialled, problems, changed, time, log);
        _state = PolicyState.Initial with { Features = features, MarkMask = markMask };
        Channel = new(own, _signal.Set);
        _panic = new(folder, _signal.Set);
    }

    /// <summary>Takes what is learned of the controller's channel.</summary>
    public ChannelEvidence Channel { get; }

    /// <summary>What the kernel enforces now; from any thread.</summary>
    public EnforcementState State => Volatile.Read(ref _published);

    /// <summary>Times that somebody else changed our table, since the agent started.</summary>
    public ulong Tampered { get; private set; }

    /// <summary>Gives the loop a policy from the controller; a newer one replaces one that was not looked at yet. From any thread.</summary>
    public void Offer(Wire.HostPolicy policy)
    {
        _inbox.Put(policy);
        _signal.Set();
    }

    /// <summary>Gives the loop a change of the policy that came last. From any thread.</summary>
    public void Offer(Wire.PolicyDelta delta)
    {
        _inbox.Put(delta);
        _signal.Set();
    }

    /// <summary>Called when a delta does not fit, or there are many: the controller is to send a whole policy.</summary>
    public Action AskForWhole { get; set; } = () => { };

    /// <summary>Tells the loop that somebody else changed our table. From any thread.</summary>
    public void ReportTampering(string by)
    {
        Volatile.Write(ref _tamperedBy, by);
        _signal.Set();
    }

    /// <summary>Tells the loop that somebody may have changed our table unnoticed. From any thread.</summary>
    public void ReportDoubt()
    {
        Interlocked.Exchange(ref _doubt, 1);
        _signal.Set();
    }

    /// <summary>Tells the loop that conntrack lost connections, so that live sockets must be judged and admitted again. From any thread.</summary>
    public void ReportLostConnections()
    {
        Interlocked.Exchange(ref _settle, 1);
        _signal.Set();
    }

    /// <summary>Tells the loop that the host's cgroups are others now, by which units are told apart. From any thread.</summary>
    public void ReportCgroups()
    {
        Interlocked.Exchange(ref _refresh, 1);
        _signal.Set();
    }

    /// <summary>Puts the cached policy in force; to be awaited before anything else is started.</summary>
    public async Task StartAsync(CancellationToken cancel)
    {
        var cached = _cache.Load();
        (_held, _proven) = cached is CachedPolicy.Whole whole ? (whole.Policy, whole.Proven) : default;
        var lost = (cached as CachedPolicy.Lost)?.Marker;
        if (lost is not null)
        {
            _log.FailSafe();
        }

        await HandleAsync(
            new PolicyEvent.Started(
                _held is null ? null : WithDialled(_held.Policy),
                lost?.Modes ?? default,
                WithDialled(lost?.Controllers ?? []),
                lost?.FailSafe ?? [])
            {
                Proven = _proven is null ? null : WithDialled(_proven.Policy),
                Panic = PanicOrder.Load(_folder)?.ToProblem(),
            },
            cancel);
        _proven ??= _held;
    }

    /// <summary>After <see cref="StartAsync"/>: whether the kernel took what it was given; if not, shuts the enforced directions.</summary>
    public async Task<bool> LockIfRefusedAsync(CancellationToken cancel)
    {
        if (_state is { Failure: { } failure, Panic: null, Effective: { } policy })
        {
            _log.ShutInstead(failure.Message);
            var modes = policy.Quarantined ? new Modes(EnforcementMode.Full, EnforcementMode.Full) : policy.Modes;
            var outcome = await _firewall.ApplyAsync(FirewallRenderer.Locked(modes, policy.Controllers, policy.FailSafe), replace: true, cancel);
            if (!outcome.Ok)
            {
                _log.ApplyFailed("0.0", outcome.Error!);
            }
        }

        return _state.Failure is null;
    }

    /// <inheritdoc/>
    public void Dispose() => _panic.Dispose();

    /// <summary>Runs until cancelled. The rules stay in the kernel.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (true)
        {
            var wait = _state.RetryAt is { } at ? at - _time.GetUtcNow() : _longestWait;
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

            var by = Interlocked.Exchange(ref _tamperedBy, null);
            if (Interlocked.Exchange(ref _doubt, 0) != 0 || by is not null || _time.GetElapsedTime(_examined) >= _examineEvery)
            {
                await ExamineAsync(by, cancel);
            }

            if (Interlocked.Exchange(ref _settle, 0) != 0)
            {
                LogOutcome(await _firewall.SettleAsync(cancel));
            }

            if (Interlocked.Exchange(ref _refresh, 0) != 0 && _state.RetryAt is null)
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
        var (whole, deltas) = _inbox.Take();
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
            var first = decoded.Diagnostics[0];
            var problem = new Problem(
                first.Code,
                $"Policy {wire.Generation?.Epoch}.{wire.Generation?.Number} was refused, and the last one stays in force. {string.Join(' ', decoded.Diagnostics.Select(d => $"{d.Path}: {d.Message}"))}",
                "Check that controller and agent are of matching versions.");
            await HandleAsync(new PolicyEvent.Unreadable(problem), cancel);
            return;
        }

        await OfferAsync(ReceivedPolicy.Of(wire, policy), EpochProofs.Holds(wire, _authority), cancel);
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
        await HandleAsync(new PolicyEvent.Offered(WithDialled(received.Policy), epochProven), cancel);
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
        (_state, var effects) = PolicyMachine.Step(_state, happened, _time.GetUtcNow());
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
                    Keep(() => _cache.KeepProven(proven));
                    break;
                case PolicyEffect.ForgetProven:
                    _proven = _held;
                    _log.PolicyProven(_state.Proven!.Generation.ToString());
                    Keep(_cache.ForgetProven);
                    break;
                case PolicyEffect.Persist:
                    Keep(() => _cache.BeforeApplying(_held!));
                    break;
                case PolicyEffect.Open:
                    await OpenAsync(cancel);
                    break;
                case PolicyEffect.Apply apply:
                    await ApplyAsync(apply, cancel);
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
        var outcome = await _firewall.ApplyAsync(apply.Policy, apply.Replace, cancel);
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
        if (outcome.Undone.Count > 0)
        {
            _log.Tampered("an unknown process", string.Join("; ", outcome.Undone));
        }

        await HandleAsync(new PolicyEvent.Applied(apply.Policy), cancel);
        if (_held is { } held && held.Policy.Generation == apply.Policy.Generation)
        {
            Keep(() => _cache.AfterApplying(held));
        }
    }

    private void LogOutcome(ApplyOutcome outcome)
    {
        if (outcome.Destroyed + outcome.Forgotten + outcome.Admitted > 0)
        {
            _log.LiveConnections(outcome.Destroyed, outcome.Forgotten, outcome.Admitted);
        }
    }

    private void Keep(Action write)
    {
        try
        {
            write();
            _problems.Clear(CacheTopic);
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            // Enforcing matters more than remembering: a full disk must not keep a host open.
            _log.PolicyNotKept(failed.Message);
            _problems.Set(CacheTopic, new Wire.Failure
            {
                Code = "policy-not-kept",
                Message = $"The policy is enforced, but cannot be kept on disk: {failed.Message}",
                Remedy = "Make room in the agent's state folder; until then a restart enforces the policy before this one.",
            });
        }
    }

    private void Publish()
    {
        var applied = _state.Applied;
        Tampered = _state.Tampered;
        Volatile.Write(ref _published, new EnforcementState(
            applied is null || applied.Generation == default ? null : applied.Generation, applied?.Modes ?? default, _state.Loss is not null, _state.Panic is not null, _confirmed));
        _problems.Set(Topic, [.. _state.Problems.Select(problem => new Wire.Failure { Code = problem.Code, Message = problem.Message, Remedy = problem.Remedy })]);
        _changed();
    }

    private HostPolicy WithDialled(HostPolicy policy) => policy with { Controllers = WithDialled(policy.Controllers) };

    /// <summary>Where this agent itself reaches the controller is essential too, whatever the controller believes its addresses to be.</summary>
    private EquatableArray<ControllerEndpoint> WithDialled(EquatableArray<ControllerEndpoint> controllers) =>
        _dialled is { } endpoint && !controllers.Contains(endpoint) ? controllers.Append(endpoint).Order().ToEquatableArray() : controllers;
}
