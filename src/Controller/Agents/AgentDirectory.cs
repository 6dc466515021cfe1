using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Controller.Agents;

/// <summary>What was last heard from an agent.</summary>
/// <param name="LastSeen">When.</param>
/// <param name="Report">Its last report.</param>
public sealed record AgentObservation(DateTimeOffset LastSeen, StateReport Report);

/// <summary>An address that one workload claims and another holds.</summary>
public sealed record AddressConflict(WorkloadId Claimant, WorkloadId Holder, ScopedAddress Address);

/// <summary>Where an agent is connected that another controller on the store serves.</summary>
public sealed record AgentElsewhere(Guid Controller, IPAddress Remote);

/// <summary>What is known of agents at this moment, none of which decides what is enforced: who is connected, and what they report. Thread-safe.</summary>
public sealed class AgentDirectory(TimeProvider time)
{
    private readonly DateTimeOffset _started = time.GetUtcNow();
    private readonly ConcurrentDictionary<WorkloadId, DateTimeOffset> _leftAt = new();
    private readonly ConcurrentDictionary<WorkloadId, AgentObservation> _observations = new();
    private readonly ConcurrentDictionary<WorkloadId, AgentSession> _sessions = new();
    private readonly ConcurrentDictionary<WorkloadId, AgentElsewhere> _elsewhere = new();
    private ConcurrentDictionary<WorkloadId, bool> _unsaved = new();
    private readonly ConcurrentDictionary<WorkloadId, ImmutableArray<Diagnostic>> _flags = new();
    private ImmutableArray<AddressConflict> _conflicts = [];

    /// <summary>
    /// How long a host may be away before another may take its addresses. Counted from its last connection or its pairing, and at the earliest from the
    /// controller's start, when every host is away.
    /// </summary>
    public static TimeSpan ReturnGrace { get; } = TimeSpan.FromMinutes(2);

    /// <summary>How many other controllers use the store.</summary>
    public int OtherControllers { get; private set; }

    /// <summary>How many are connected.</summary>
    public int Connected => _sessions.Count + _elsewhere.Keys.Count(id => !_sessions.ContainsKey(id));

    /// <summary>Whether a workload's agent is connected, to this controller or another.</summary>
    public bool IsConnected(WorkloadId workload) => _sessions.ContainsKey(workload) || _elsewhere.ContainsKey(workload);

    /// <summary>Where a workload's agent is connected from; null if it is not.</summary>
    public IPAddress? Remote(WorkloadId workload) => Session(workload)?.Remote ?? _elsewhere.GetValueOrDefault(workload)?.Remote;

    /// <summary>Whether a workload's agent has been away for <see cref="ReturnGrace"/>.</summary>
    public bool IsGone(WorkloadId workload) => !IsConnected(workload) && time.GetUtcNow() - _leftAt.GetValueOrDefault(workload, _started) >= ReturnGrace;

    /// <summary>Notes that a workload was paired and is about to connect.</summary>
    public void Expect(WorkloadId workload) => _leftAt[workload] = time.GetUtcNow();

    /// <summary>The open policy stream of a workload, or null.</summary>
    public AgentSession? Session(WorkloadId workload) => _sessions.GetValueOrDefault(workload);

    /// <summary>What was last heard from a workload's agent, or null.</summary>
    public AgentObservation? Observation(WorkloadId workload) => _observations.GetValueOrDefault(workload);

    /// <summary>All observations.</summary>
    public IReadOnlyCollection<KeyValuePair<WorkloadId, AgentObservation>> Observations => [.. _observations];

    /// <summary>What the controller found wrong about a workload, besides what its agent reports.</summary>
    public IEnumerable<Diagnostic> Findings(WorkloadId workload, Func<WorkloadId, string> nameOf) =>
        _flags.GetValueOrDefault(workload, []).Concat(_conflicts
            .Where(conflict => conflict.Claimant == workload || conflict.Holder == workload)
            .Select(conflict => Diagnostic.Warning("address-conflict", $"addresses[{conflict.Address}]", conflict.Holder == workload
                ? $"{nameOf(conflict.Claimant)} claims this address too; it stays here while this workload's agent is connected."
                : $"{nameOf(conflict.Holder)} holds this address, so it does not count here. Change one of the two hosts.")));

    /// <summary>
    /// Opens a policy stream. A stream from where the last one came replaces it; one from elsewhere, while the other is alive, is a clone's.
    /// </summary>
    /// <returns>Null if it is a clone's.</returns>
    public AgentSession? Connect(WorkloadId workload, IPAddress remote)
    {
        if (_elsewhere.GetValueOrDefault(workload) is { } elsewhere && !elsewhere.Remote.Equals(remote))
        {
            return null;
        }

        var session = new AgentSession(this, workload, remote);
        while (true)
        {
            var held = _sessions.GetOrAdd(workload, session);
            if (held == session)
            {
                _unsaved[workload] = true;
                Clear(workload, "clone");
                return session;
            }

            if (!held.Remote.Equals(remote))
            {
                return null;
            }

            if (_sessions.TryUpdate(workload, session, held))
            {
                held.End();
                return session;
            }
        }
    }

    /// <summary>Notes a report.</summary>
    /// <returns>The one before it, or null.</returns>
    public AgentObservation? Observe(WorkloadId workload, StateReport report, DateTimeOffset now)
    {
        var before = Observation(workload);
        _observations[workload] = new(now, report);
        _unsaved[workload] = true;
        return before;
    }

    /// <summary>Takes over what another controller knows of an agent.</summary>
    /// <param name="workload">Whose.</param>
    /// <param name="observation">Its last report, if there was one.</param>
    /// <param name="elsewhere">Where it is connected; null if nowhere.</param>
    public void Follow(WorkloadId workload, AgentObservation? observation, AgentElsewhere? elsewhere)
    {
        if (elsewhere is not null)
        {
            _elsewhere[workload] = elsewhere;
        }
        else if (_elsewhere.TryRemove(workload, out _))
        {
            Expect(workload);
        }

        if (observation is not null && Session(workload) is null && !(Observation(workload)?.LastSeen > observation.LastSeen))
        {
            _observations[workload] = observation;
        }
    }

    /// <summary>Notes which controllers are gone, and with them the connections of their agents.</summary>
    /// <param name="controllers">How many others there are.</param>
    /// <param name="gone">Those that are.</param>
    public void Follow(int controllers, IReadOnlyCollection<Guid> gone)
    {
        OtherControllers = controllers;
        foreach (var (workload, elsewhere) in _elsewhere.Where(pair => gone.Contains(pair.Value.Controller)))
        {
            Expect(workload);
            _elsewhere.TryRemove(KeyValuePair.Create(workload, elsewhere));
        }
    }

    /// <summary>The workloads of which something was noted since it was asked last; whoever cannot keep it gives them back.</summary>
    public IReadOnlyCollection<WorkloadId> TakeUnsaved() => [.. Interlocked.Exchange(ref _unsaved, new()).Keys];

    /// <summary>Gives back what <see cref="TakeUnsaved"/> took.</summary>
    public void ReturnUnsaved(IEnumerable<WorkloadId> workloads)
    {
        foreach (var workload in workloads)
        {
            _unsaved[workload] = true;
        }
    }

    /// <summary>Notes that an agent was heard of.</summary>
    public void Seen(WorkloadId workload, DateTimeOffset now)
    {
        if (_observations.TryGetValue(workload, out var observation))
        {
            _observations.TryUpdate(workload, observation with { LastSeen = now }, observation);
            _unsaved[workload] = true;
        }
    }

    /// <summary>Notes something wrong about a workload, in place of an earlier finding with that code.</summary>
    /// <returns>Whether there was none with that code.</returns>
    public bool Flag(WorkloadId workload, Diagnostic finding)
    {
        var fresh = false;
        _flags.AddOrUpdate(workload, _ => [finding], (_, held) =>
        {
            var others = held.RemoveAll(f => f.Code == finding.Code);
            fresh = others.Length == held.Length;
            return others.Add(finding);
        });
        return fresh;
    }

    /// <summary>Takes a finding back.</summary>
    public void Clear(WorkloadId workload, string code)
    {
        if (_flags.TryGetValue(workload, out var held) && held.Any(f => f.Code == code))
        {
            _flags.TryUpdate(workload, held.RemoveAll(f => f.Code == code), held);
        }
    }

    /// <summary>Replaces the conflicts that a claimant is in.</summary>
    public void SetConflicts(WorkloadId claimant, IEnumerable<AddressConflict> conflicts) =>
        ImmutableInterlocked.Update(ref _conflicts, (held, own) => [.. held.Where(c => c.Claimant != claimant), .. own], conflicts.ToList());

    /// <summary>Forgets a workload that was removed, and ends its stream.</summary>
    public void Forget(WorkloadId workload)
    {
        _observations.TryRemove(workload, out _);
        _flags.TryRemove(workload, out _);
        _leftAt.TryRemove(workload, out _);
        _elsewhere.TryRemove(workload, out _);
        ImmutableInterlocked.Update(ref _conflicts, held => held.RemoveAll(c => c.Claimant == workload || c.Holder == workload));
        if (_sessions.TryRemove(workload, out var session))
        {
            session.End();
        }
    }

    internal bool Disconnect(AgentSession session)
    {
        if (!_sessions.TryGetValue(session.Workload, out var held) || held != session)
        {
            return false;
        }

        // Before it is taken out: nobody may find it neither connected nor just gone.
        Expect(session.Workload);
        _unsaved[session.Workload] = true;
        return _sessions.TryRemove(KeyValuePair.Create(session.Workload, session));
    }
}
