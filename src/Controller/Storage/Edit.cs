using System.Text.Json;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy.Inventory;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Storage;

/// <summary>One transaction of the <see cref="Ledger"/>: the rows it changes, and what it says about them to the change log and the audit log.</summary>
public sealed class Edit
{
    /// <summary>How far the clocks of controllers may lie apart. Within it a generation is compiled for no earlier a moment than the one before it.</summary>
    private static readonly TimeSpan s_clockSkew = TimeSpan.FromMinutes(1);

    private readonly HashSet<(ChangeKind Kind, string Id)> _changes = [];
    private readonly List<AuditRow> _audit = [];
    private LiveSnapshot? _preview;
    private bool _numbered;

    internal Edit(ControllerDb database, LiveSnapshot before, string actor, DateTimeOffset now) =>
        (Database, Before, Actor, Now) = (database, before, actor, now);

    /// <summary>The tables.</summary>
    public ControllerDb Database { get; }

    /// <summary>What was before.</summary>
    public LiveSnapshot Before { get; }

    /// <summary>Who edits.</summary>
    public string Actor { get; }

    /// <summary>When.</summary>
    public DateTimeOffset Now { get; }

    /// <summary>Says that something was changed, so that snapshots load it again.</summary>
    public void Touch(ChangeKind kind, string id = "")
    {
        _changes.Add((kind, id));
        _preview = null;
    }

    /// <summary>Says that a workload was changed.</summary>
    public void Touch(WorkloadId id) => Touch(ChangeKind.Workload, id.ToString());

    /// <summary>Adds an entry to the audit log.</summary>
    /// <param name="action">Such as <c>policy.provision</c>.</param>
    /// <param name="subject">What it was done to.</param>
    /// <param name="detail">A sentence.</param>
    /// <param name="before">What was there before, to undo it with.</param>
    public void Audit(string action, string subject, string detail, object? before = null) => _audit.Add(new()
    {
        // Hashed as it is stored, to the millisecond.
        At = DateTimeOffset.FromUnixTimeMilliseconds(Now.ToUnixTimeMilliseconds()),
        Actor = Actor,
        Action = action,
        Subject = subject,
        Detail = detail,
        Before = before is null ? null : JsonSerializer.Serialize(before),
    });

    /// <summary>Takes the next numbers of a counter.</summary>
    /// <returns>The last one taken.</returns>
    public async Task<long> NextAsync(string counter, long count, CancellationToken cancellation) =>
        (await CounterAsync(counter, cancellation).ConfigureAwait(false)).Value += count;

    /// <summary>The row of a counter, made if need be.</summary>
    internal async Task<CounterRow> CounterAsync(string counter, CancellationToken cancellation)
    {
        var row = await Database.Counters.FindAsync([counter], cancellation).ConfigureAwait(false);
        if (row is null)
        {
            row = new() { Name = counter };
            Database.Counters.Add(row);
        }

        return row;
    }

    /// <summary>The snapshot that this edit would make.</summary>
    public async Task<LiveSnapshot> PreviewAsync(CancellationToken cancellation)
    {
        if (_preview is not null)
        {
            return _preview;
        }

        if (!_numbered && _changes.Any(change => SnapshotLoader.Recompiles(change.Kind)))
        {
            await NumberAsync(cancellation).ConfigureAwait(false);
            _numbered = true;
        }

        await Database.SaveChangesAsync(cancellation).ConfigureAwait(false);
        return _preview = await SnapshotLoader.ReloadAsync(Database, Before, _changes, Before.Sequence + _changes.Count, cancellation).ConfigureAwait(false);
    }

    /// <summary>Takes the next generation, and notes for which moment it is compiled, since every controller must compile the same.</summary>
    private async Task NumberAsync(CancellationToken cancellation)
    {
        await NextAsync(Counters.Generation, 1, cancellation).ConfigureAwait(false);
        var at = await CounterAsync(Counters.CompiledAt, cancellation).ConfigureAwait(false);
        var now = Now.ToUnixTimeMilliseconds();
        at.Value = at.Value > now && at.Value - now <= s_clockSkew.TotalMilliseconds ? at.Value : now;
    }

    /// <summary>Writes everything that goes with the rows; null if no snapshot is needed.</summary>
    internal async Task<LiveSnapshot?> SealAsync(CancellationToken cancellation)
    {
        if (_changes.Count > 0)
        {
            var last = await NextAsync(Counters.Sequence, _changes.Count, cancellation).ConfigureAwait(false);
            var first = last - _changes.Count + 1;
            Database.Changes.AddRange(_changes.Select((change, i) => new ChangeRow { Sequence = first + i, Kind = change.Kind, Id = change.Id }));
        }

        if (_audit.Count > 0)
        {
            var last = await Database.Audit.AsNoTracking().OrderByDescending(a => a.Sequence).FirstOrDefaultAsync(cancellation).ConfigureAwait(false);
            Database.Audit.AddRange(AuditChain.Append(last, _audit));
        }

        var snapshot = _changes.Count > 0 ? await PreviewAsync(cancellation).ConfigureAwait(false) : null;
        await Database.SaveChangesAsync(cancellation).ConfigureAwait(false);
        return snapshot;
    }
}
