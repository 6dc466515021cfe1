using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Netlink;
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

/// <summary>What became of an apply.</summary>
/// <param name="Error">Why it failed, or null. If nft refused, the rules are as before.</param>
/// <param name="Steps">Changes made to the table; 0 if it was right already.</param>
/// <param name="Destroyed">Sockets ended.</param>
/// <param name="Forgotten">Entries taken out of conntrack.</param>
/// <param name="Admitted">Entries put into conntrack.</param>
public sealed record ApplyOutcome(string? Error, int Steps = 0, int Destroyed = 0, int Forgotten = 0, int Admitted = 0)
{
    /// <summary>What others had changed in the table and was found and undone by this apply, in words.</summary>
    public EquatableArray<string> Undone { get; init; }

    /// <summary>Whether the policy is in force, for live connections too.</summary>
    public bool Ok => Error is null;
}

/// <summary>
/// Keeps the table <c>inet bulkhead</c> of one network namespace, and its live connections, as a host policy says. A fresh process knows
/// the table by its name and replaces it whole, in one transaction. Calls are serialised.
/// </summary>
public sealed class FirewallDriver : IDisposable
{
    private const int MostTries = 5;
    private static readonly TimeSpan _ownersEvery = TimeSpan.FromMilliseconds(400);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly TableKeeper _table;
    private readonly Conntrack _conntrack;
    private readonly SocketDiagnostics _sockets;
    private readonly LocalAddresses _addresses;
    private readonly ConnectionSettler _settler;
    private readonly Func<NameLookups> _lookups;
    private readonly SocketOwners? _owners;
    private HostEvaluator? _evaluator;
    private RenderedPolicy? _rendered;
    private HostPolicy? _settled;

    private FirewallDriver(
        TableKeeper table, Conntrack conntrack, SocketDiagnostics sockets, LocalAddresses addresses, Func<NameLookups> lookups, SocketOwners? owners)
    {
        (_table, _conntrack, _sockets, _addresses, _lookups, _owners) = (table, conntrack, sockets, addresses, lookups, owners);
        _settler = new(conntrack, sockets, addresses, owners);
    }

    /// <summary>Opens it for the calling thread's network namespace; nothing is changed yet. Owners of sockets cannot be told apart.</summary>
    /// <param name="lookups">How the agent looks up names; asked at each apply.</param>
    /// <exception cref="NetlinkException">The kernel lacks conntrack or sock_diag, or refuses them.</exception>
    public static FirewallDriver Open(Func<NameLookups> lookups) => Open(lookups, null);

    /// <summary>The same, with what tells owners of sockets apart; disposing of that is the caller's.</summary>
    internal static FirewallDriver Open(Func<NameLookups> lookups, SocketOwners? owners) =>
        new(TableKeeper.Open(), Conntrack.Open(), SocketDiagnostics.Open(), LocalAddresses.Open(), lookups, owners);

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

    /// <summary>
    /// Puts a policy in force: rules first, then sockets, then conntrack. The first time, and where connections are to be tracked that were not,
    /// existing ones are admitted to conntrack before the rules ask for it.
    /// </summary>
    /// <param name="policy">One that <see cref="Enforcement.State.PolicyCheck"/> does not refuse.</param>
    /// <param name="replace">Replace the table whole, whatever it is believed to hold.</param>
    /// <param name="cancellationToken">Ends waiting for one's turn; an apply that has begun is finished.</param>
    public async Task<ApplyOutcome> ApplyAsync(HostPolicy policy, bool replace, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(policy);
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
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
        }
        catch (Exception e) when (e is NetlinkException or BpfException or IOException)
        {
            _table.Doubt();
            return new(e.Message);
        }
        finally
        {
            _turn.Release();
        }
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
    public async Task<ApplyOutcome> SettleAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _evaluator is null ? new((string?)null) : _settler.Settle(_evaluator);
        }
        catch (NetlinkException e)
        {
            return new(e.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>What others changed in the table since the last apply, in words; empty if nothing, or if nothing was applied.</summary>
    public async Task<IReadOnlyList<string>> ExamineAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _table.Examine();
        }
        catch (NetlinkException e)
        {
            // What cannot be read is not known to be right.
            return [e.Message];
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>After a failure: puts a policy in force in place of everything, unless the table is there and as it was left.</summary>
    /// <returns>What became of it; null if the table stands.</returns>
    /// <param name="locked">The policy.</param>
    /// <param name="cancellationToken">As in <see cref="ApplyAsync(HostPolicy, bool, CancellationToken)"/>.</param>
    public async Task<ApplyOutcome?> ShutUnlessStandingAsync(HostPolicy locked, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_table.Stands())
            {
                return null;
            }
        }
        catch (NetlinkException)
        {
            // What cannot be read is not known to stand.
        }
        finally
        {
            _turn.Release();
        }

        return await ApplyAsync(locked, replace: true, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Why sockets could not be stamped with their owners, so that rules for executables and users do not know them; empty if all could, or none need be.</summary>
    public IReadOnlyList<string> Unstamped => _owners?.Unstamped ?? [];

    /// <summary>Tries again to stamp the sockets that could not be, and then judges live connections again.</summary>
    public async Task<ApplyOutcome> RestampAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _owners?.Sweep();
            return _evaluator is null ? new((string?)null) : _settler.Settle(_evaluator);
        }
        catch (NetlinkException e)
        {
            return new(e.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

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
    public async Task<ApplyOutcome> RemoveAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var error = await _table.RemoveAsync().ConfigureAwait(false);
            if (error is null)
            {
                (_evaluator, _settled) = (null, null);
                _owners?.TakeOff();
            }

            return new(error);
        }
        catch (BpfException e)
        {
            return new(e.Message);
        }
        finally
        {
            _turn.Release();
        }
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
            return restamped && _evaluator is { } same ? _settler.Settle(same) : new((string?)null);
        }

        var first = _evaluator is null;
        var evaluator = new HostEvaluator(policy);
        // What others had put there, or other owners of sockets, may have let in what neither policy does.
        var sure = !plan.ReplacesTable && !restamped && rendered.IsRenewed ? _settled : null;
        _settled = null;
        var admitted = first || _evaluator!.MayTrackAgain(policy) ? _settler.Admit(evaluator).Admitted : 0;
        var (error, undone) = await _table.ApplyAsync(plan, rendered.Document).ConfigureAwait(false);
        if (error is not null)
        {
            return new(error) { Undone = undone.ToEquatableArray() };
        }

        _evaluator = evaluator;
        var live = (sure is null || undone.Count > 0 ? first || LiveConnections.CanEnd(policy) : LiveConnections.CanEnd(sure, policy)) ? _settler.Settle(evaluator) : new((string?)null);
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
        _turn.Wait();
        _evaluator = null;
        _table.Dispose();
        _conntrack.Dispose();
        _sockets.Dispose();
        _addresses.Dispose();
        _turn.Release();
    }
}
