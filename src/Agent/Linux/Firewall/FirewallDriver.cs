using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Enforcement.Connections;
using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Marks;
using Bulkhead.Enforcement.Plan;
using Bulkhead.Enforcement.Render;
using Bulkhead.Enforcement.State;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Verdict = Bulkhead.Enforcement.Documents.Verdict;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>
/// Keeps the table <c>inet bulkhead</c> of one network namespace, and its live connections, as a host policy says. A fresh process knows
/// the table by its name and replaces it whole, in one transaction. Calls are serialised.
/// </summary>
public sealed class FirewallDriver : IDisposable
{
    private const int MostTries = 5;
    private static readonly TimeSpan _gather = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan _ownersEvery = TimeSpan.FromMilliseconds(400);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly SemaphoreSlim _sweeping = new(1, 1);
    private readonly TableKeeper _table;
    private readonly Conntrack _conntrack;
    private readonly Conntrack _sweeper;
    private readonly SocketDiagnostics _sockets;
    private readonly LocalAddresses _addresses;
    private readonly ConnectionSettler _settler;
    private readonly Func<NameLookups> _lookups;
    private readonly SocketOwners? _owners;
    private HostEvaluator? _evaluator;
    private RenderedPolicy? _rendered;
    private HostPolicy? _settled;
    private volatile bool _unswept;

    private FirewallDriver(
        TableKeeper table, Conntrack conntrack, Conntrack sweeper, SocketDiagnostics sockets, LocalAddresses addresses, Func<NameLookups> lookups, SocketOwners? owners, TrackingGap? gap)
    {
        (_table, _conntrack, _sweeper, _sockets, _addresses, _lookups, _owners) = (table, conntrack, sweeper, sockets, addresses, lookups, owners);
        _settler = new(conntrack, sockets, addresses, owners, gap);
    }

    /// <summary>Opens it for the calling thread's network namespace; nothing is changed yet. Owners of sockets cannot be told apart.</summary>
    /// <param name="lookups">How the agent looks up names; asked at each apply.</param>
    /// <exception cref="NetlinkException">The kernel lacks conntrack or sock_diag, or refuses them.</exception>
    public static FirewallDriver Open(Func<NameLookups> lookups) => Open(lookups, null);

    /// <summary>The same, with what tells owners of sockets apart, of which disposing is the caller's, and what is told since when connections are tracked.</summary>
    internal static FirewallDriver Open(Func<NameLookups> lookups, SocketOwners? owners, TrackingGap? gap = null) =>
        new(TableKeeper.Open(), Conntrack.Open(), Conntrack.Open(), SocketDiagnostics.Open(), LocalAddresses.Open(), lookups, owners, gap);

    /// <summary>The netlink port that conntrack's events of this driver's own changes carry.</summary>
    public uint ConntrackPort => _conntrack.PortId;

    /// <summary>Starts to watch for changes of the table by others; in the calling thread's network namespace.</summary>
    /// <param name="tampered">Is told who, on a thread of the watch.</param>
    /// <param name="lost">Is told that events were lost, so that the table is to be examined; likewise.</param>
    public TableWatch Watch(Action<string> tampered, Action lost) => _table.Watch(tampered, lost);

    /// <summary>What this host can decide, as names from <see cref="Features"/>; found out by asking nft and the kernel for rules of each kind, none of which stays.</summary>
    public async Task<EquatableArray<string>> ProbeAsync()
    {
        var units = _owners?.Cgroups() is { } cgroups && await _table.KnowsAsync(new Match.CgroupAt(1, true, [cgroups.Root.Name])).ConfigureAwait(false);
        var marks = _owners?.Marks is not null && await _table.KnowsAsync(new Match.SocketMark(uint.MaxValue, [0, 1])).ConfigureAwait(false);
        var untracked = await _table.KnowsAsync(new FirewallRule.When([new Match.ForSocket()], new Verdict.Untrack())).ConfigureAwait(false);
        string[] has =
        [
            Features.Base,
            .. await HelperProbe.FeaturesAsync(_table).ConfigureAwait(false),
            .. untracked ? [Features.Stateless] : Array.Empty<string>(),
            .. marks ? [Features.ProcessInbound, Features.ProcessOutbound, Features.UserOutbound] : Array.Empty<string>(),
            .. units ? [Features.UnitInbound, Features.UnitOutbound] : Array.Empty<string>(),
        ];
        return has.Order(StringComparer.Ordinal).ToEquatableArray();
    }

    /// <summary>Puts a policy in force, all of it: <see cref="ApplyRulesAsync"/>, and then <see cref="SweepAsync"/>.</summary>
    public async Task<ApplyOutcome> ApplyAsync(HostPolicy policy, bool replace, CancellationToken cancellationToken)
    {
        var applied = await ApplyRulesAsync(policy, replace, cancellationToken).ConfigureAwait(false);
        return applied.Ok ? applied.And(await SweepAsync(cancellationToken).ConfigureAwait(false)) : applied;
    }

    /// <summary>
    /// Puts a policy in force: rules first, then sockets; conntrack is left to <see cref="SweepAsync"/>. The first time, and where connections are to be
    /// tracked that were not, existing ones are admitted to conntrack before the rules ask for it.
    /// </summary>
    /// <param name="policy">One that <see cref="Enforcement.State.PolicyCheck"/> does not refuse.</param>
    /// <param name="replace">Replace the table whole, whatever it is believed to hold.</param>
    /// <param name="cancellationToken">Ends waiting for one's turn; an apply that has begun is finished.</param>
    public Task<ApplyOutcome> ApplyRulesAsync(HostPolicy policy, bool replace, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return InTurnAsync(
            async () =>
            {
                for (var tries = 1; ; tries++)
                {
                    var cgroups = policy.HasSocketConditions ? _owners?.Cgroups() : null;
                    var outcome = await ApplyAsync(policy, replace, cgroups).ConfigureAwait(false);
                    // A cgroup that is gone by the time nft looks for it makes nft refuse the whole transaction.
                    if (outcome.Ok || cgroups is null || tries == MostTries || cgroups.Equals(_owners!.Cgroups()))
                    {
                        return outcome;
                    }
                }
            },
            problem =>
            {
                _table.Doubt();
                return new(problem);
            },
            cancellationToken);
    }

    /// <summary>Puts the policy in force again if it asks for units and the host's cgroups are others now. Does nothing before the first apply.</summary>
    /// <param name="cancellationToken">As in <see cref="ApplyAsync(HostPolicy, bool, CancellationToken)"/>.</param>
    public async Task<ApplyOutcome> RefreshAsync(CancellationToken cancellationToken) =>
        _evaluator is { } evaluator && evaluator.Policy.HasSocketConditions
            ? await ApplyAsync(evaluator.Policy, replace: false, cancellationToken).ConfigureAwait(false)
            : new((string?)null);

    /// <summary>
    /// Judges live connections again by the policy in force: for after a loss of conntrack's state, when their segments are taken for
    /// strays. Does nothing before the first apply.
    /// </summary>
    public Task<ApplyOutcome> SettleAsync(CancellationToken cancellationToken) =>
        InTurnAsync(() => _evaluator is null ? new((string?)null) : _settler.Settle(_evaluator), problem => new(problem), cancellationToken);

    /// <summary>
    /// Ends what the policy in force forbids of what conntrack alone knows of, and admits what it has lost, if something that was applied asks for it. The kernel
    /// walks its whole table for that; meanwhile a policy may be applied.
    /// </summary>
    /// <param name="cancellationToken">Ends waiting for one's turn.</param>
    public async Task<ApplyOutcome> SweepAsync(CancellationToken cancellationToken)
    {
        await _sweeping.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_unswept)
            {
                return new((string?)null);
            }

            // Kernels that do not preempt themselves let nobody else on the processor meanwhile: first whoever the change is for, and others that come with it.
            await Task.Delay(_gather, cancellationToken).ConfigureAwait(false);
            // Whatever is applied from here on asks anew.
            _unswept = false;
            var tracked = await Task.Run(_sweeper.Dump, CancellationToken.None).ConfigureAwait(false);
            var swept = await InTurnAsync(() => _evaluator is { } evaluator ? _settler.Finish(evaluator, tracked) : new((string?)null), problem => new(problem), CancellationToken.None).ConfigureAwait(false);
            _unswept |= !swept.Ok;
            return swept;
        }
        catch (NetlinkException e)
        {
            _unswept = true;
            return new(e.Message);
        }
        finally
        {
            _sweeping.Release();
        }
    }

    /// <summary>What others changed in the table since the last apply, in words; empty if nothing, or if nothing was applied.</summary>
    public Task<IReadOnlyList<string>> ExamineAsync(CancellationToken cancellationToken) =>
        // What cannot be read is not known to be right.
        InTurnAsync(_table.Examine, problem => [problem], cancellationToken);

    /// <summary>After a failure: puts a policy in force in place of everything, unless the table is there and as it was left.</summary>
    /// <returns>What became of it; null if the table stands.</returns>
    /// <param name="locked">The policy.</param>
    /// <param name="cancellationToken">As in <see cref="ApplyAsync(HostPolicy, bool, CancellationToken)"/>.</param>
    public async Task<ApplyOutcome?> ShutUnlessStandingAsync(HostPolicy locked, CancellationToken cancellationToken)
    {
        // What cannot be read is not known to stand.
        if (await InTurnAsync(_table.Stands, _ => false, cancellationToken).ConfigureAwait(false))
        {
            return null;
        }

        return await ApplyAsync(locked, replace: true, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Why sockets could not be stamped with their owners, so that rules for executables and users do not know them; empty if all could, or none need be.</summary>
    public IReadOnlyList<string> Unstamped => _owners?.Unstamped ?? [];

    /// <summary>Tries again to stamp the sockets that could not be, and then judges live connections again.</summary>
    public Task<ApplyOutcome> RestampAsync(CancellationToken cancellationToken) => InTurnAsync(
        () =>
        {
            _owners?.Sweep();
            return _evaluator is null ? new((string?)null) : _settler.Settle(_evaluator);
        },
        problem => new(problem),
        cancellationToken);

    /// <summary>
    /// Begins to look every 400 ms whether others changed what stamps sockets, as far as rules in force need it; from any thread. While something is applied,
    /// which puts it right anyway, that waits.
    /// </summary>
    /// <param name="tampered">Is told what, on a thread of the pool. The next apply of the same policy puts it right.</param>
    /// <param name="time">The clock.</param>
    public IDisposable WatchOwners(Action<string> tampered, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return time.CreateTimer(
            _ =>
            {
                if (ExamineOwners() is { Length: > 0 } what)
                {
                    tampered(what);
                }
            },
            null,
            _ownersEvery,
            _ownersEvery);
    }

    private string ExamineOwners()
    {
        if (_owners is null || !_turn.Wait(0))
        {
            return "";
        }

        try
        {
            return _evaluator is { } evaluator && MarkTable.Matters(evaluator.Policy) ? string.Join("; ", _owners.Examine()) : "";
        }
        catch (BpfException e)
        {
            // What cannot be read is not known to be right.
            return e.Message;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Removes the table, and then takes off what stamps sockets: for opening the host and unpairing only. Whoever stops the agent keeps the rules.</summary>
    public Task<ApplyOutcome> RemoveAsync(CancellationToken cancellationToken) => InTurnAsync<ApplyOutcome>(
        async () =>
        {
            var error = await _table.RemoveAsync().ConfigureAwait(false);
            if (error is null)
            {
                (_evaluator, _settled) = (null, null);
                _owners?.TakeOff();
            }

            return new(error);
        },
        problem => new(problem),
        cancellationToken);

    private Task<T> InTurnAsync<T>(Func<T> work, Func<string, T> failed, CancellationToken cancellationToken) =>
        InTurnAsync(() => Task.FromResult(work()), failed, cancellationToken);

    /// <summary>Does one thing after the other, once it is one's turn.</summary>
    private async Task<T> InTurnAsync<T>(Func<Task<T>> work, Func<string, T> failed, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (Exception e) when (e is NetlinkException or BpfException or IOException)
        {
            return failed(e.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

    private ApplyOutcome End(HostEvaluator evaluator)
    {
        var ended = _settler.End(evaluator);
        _unswept = true;
        return ended;
    }

    private async Task<ApplyOutcome> ApplyAsync(HostPolicy policy, bool replace, HostCgroups? cgroups)
    {
        var restamped = false;
        if (MarkTable.Matters(policy) && _owners is { Marks: not null } owners)
        {
            MarkTable? planned;
            try
            {
                planned = owners.Plan(policy, _evaluator?.Policy);
            }
            catch (IOException silent) when (policy.Entries.Any(entry => entry.Users.Count > 0))
            {
                return await ApplyWithoutUsersAsync(policy, cgroups, silent.Message).ConfigureAwait(false);
            }

            if (planned is not { } marks)
            {
                return new("the policy tells more owners of sockets apart than the mask has room for");
            }

            if (_evaluator is null || !MarkTable.Matters(_evaluator.Policy))
            {
                // While no rule needed them, nobody looked after them.
                _ = owners.Examine();
            }

            if (!owners.StampsBy(marks))
            {
                // Rules that are in force know the new classes before any socket is of one.
                if (_evaluator is { } current && MarkTable.Matters(current.Policy) && await LoadAsync(current.Policy, Sockets(cgroups, marks)).ConfigureAwait(false) is { } refused)
                {
                    return new(refused);
                }

                owners.Put(marks);
                restamped = true;
            }
        }

        var rendered = RenderedPolicy.Of(policy, _lookups(), Sockets(cgroups, _owners?.Marks), _rendered);
        _rendered = rendered;
        var plan = FirewallPlan.Diff(replace ? null : _table.Held, rendered.Document);
        if (plan.IsEmpty)
        {
            // What looks the same today need not when it is put in force again.
            (_evaluator, _settled) = (new(policy), _settled is null ? null : policy);
            // Who is no longer who the rules ask for loses what is open.
            return restamped && _evaluator is { } same ? End(same) : new((string?)null);
        }

        var first = _evaluator is null;
        var evaluator = new HostEvaluator(policy);
        // What others had put there, or other owners of sockets, may have let in what neither policy does.
        var sure = !plan.ReplacesTable && !restamped && rendered.IsRenewed ? _settled : null;
        _settled = null;
        var admitted = first || _evaluator!.MayTrackAgain(policy) ? _settler.Admit(evaluator, areTracked: first && _table.Stands()).Admitted : 0;
        var (error, undone) = await _table.ApplyAsync(plan, rendered.Document).ConfigureAwait(false);
        if (error is not null)
        {
            return new(error) { Undone = undone.ToEquatableArray() };
        }

        _evaluator = evaluator;
        var live = (sure is null || undone.Count > 0 ? first || LiveConnections.CanEnd(policy) : LiveConnections.CanEnd(sure, policy)) ? End(evaluator) : new((string?)null);
        _settled = policy;
        return live with { Steps = plan.Steps.Count, Admitted = live.Admitted + admitted, Undone = undone.ToEquatableArray() };
    }

    /// <summary>
    /// While the directory does not say who is in the groups that a policy names: the rules that stand go on; where nothing stands, all but what users are
    /// allowed is put in force, so that the host reaches its directory if that is allowed to it. Either way it is tried again.
    /// </summary>
    private async Task<ApplyOutcome> ApplyWithoutUsersAsync(HostPolicy policy, HostCgroups? cgroups, string why)
    {
        if (_table.Stands())
        {
            return new($"{why} The rules are as before");
        }

        var reduced = PolicyCheck.Decidable(policy, policy.RequiredFeatures.Concat(policy.Entries.SelectMany(entry => entry.Features)).Where(feature => feature != Features.UserOutbound).Distinct().ToEquatableArray());
        var outcome = await ApplyAsync(reduced, replace: true, cgroups).ConfigureAwait(false);
        return outcome.Ok ? outcome with { Error = $"{why} Until it does, what only some users are allowed is blocked, and what is denied to some is denied to all; everything else of the policy is in force" } : outcome;
    }

    private SocketContext Sockets(HostCgroups? cgroups, MarkTable? marks) => new(cgroups, marks) { Mask = _owners?.Mask ?? MarkTable.DefaultMask };

    private async Task<string?> LoadAsync(HostPolicy policy, SocketContext sockets)
    {
        var document = FirewallRenderer.Render(policy, _lookups(), sockets);
        var plan = FirewallPlan.Diff(_table.Held, document);
        return plan.IsEmpty ? null : (await _table.ApplyAsync(plan, document).ConfigureAwait(false)).Error;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // A look at the owners that has begun is waited for; the next one finds nothing to look for.
        _sweeping.Wait();
        _turn.Wait();
        _evaluator = null;
        _sweeper.Dispose();
        _table.Dispose();
        _conntrack.Dispose();
        _sockets.Dispose();
        _addresses.Dispose();
        _turn.Release();
    }
}
