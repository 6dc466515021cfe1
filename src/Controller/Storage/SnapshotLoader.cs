using System.Collections.Immutable;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Storage;

/// <summary>
/// Makes snapshots of the tables: whole at start, and from then on by loading again only the rows that the change log names. The tables alone decide
/// what a snapshot says, so that every controller on a store makes the same one of the same tables.
/// </summary>
public static class SnapshotLoader
{
    private static readonly HashSet<ChangeKind> s_recompile = [ChangeKind.Workload, ChangeKind.Revision, ChangeKind.Expiry, ChangeKind.Epoch, ChangeKind.Controllers];

    /// <summary>Whether changes of a kind may change what hosts enforce, and so need a new generation.</summary>
    public static bool Recompiles(ChangeKind kind) => s_recompile.Contains(kind);

    /// <summary>Loads everything.</summary>
    /// <exception cref="InvalidDataException">The newest revision cannot be read by this version of the controller.</exception>
    public static async Task<LiveSnapshot> LoadAsync(ControllerDb database, CancellationToken cancellation)
    {
        var keys = await LoadKeysAsync(database, cancellation).ConfigureAwait(false);
        var rows = await database.Workloads.AsNoTracking().Include(w => w.Addresses).ToListAsync(cancellation).ConfigureAwait(false);
        var entries = rows.Select(ToEntry).ToImmutableDictionary(entry => entry.Workload.Id);
        var provisioned = await LoadProvisionedAsync(database, keys, cancellation).ConfigureAwait(false);
        var draft = await LoadDraftAsync(database, keys, cancellation).ConfigureAwait(false);
        var settings = await SettingsAsync(database, cancellation).ConfigureAwait(false);
        var workloads = new WorkloadIndex(entries.Values.Select(entry => entry.Workload));
        return new(
            await CounterAsync(database, Counters.Sequence, cancellation).ConfigureAwait(false),
            settings.Now, keys, entries, workloads, draft, provisioned, PolicyCompiler.Compile(provisioned.Model, workloads, settings), settings);
    }

    /// <summary>The snapshot after changes that the database, within the caller's transaction, already shows.</summary>
    /// <param name="database">The tables.</param>
    /// <param name="before">The snapshot before the changes.</param>
    /// <param name="changes">What was changed.</param>
    /// <param name="sequence">The position in the change log that they lead to.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<LiveSnapshot> ReloadAsync(
        ControllerDb database, LiveSnapshot before, IReadOnlyCollection<(ChangeKind Kind, string Id)> changes, long sequence, CancellationToken cancellation)
    {
        var kinds = changes.Select(change => change.Kind).ToHashSet();
        var keys = kinds.Contains(ChangeKind.LabelKeys) ? await LoadKeysAsync(database, cancellation).ConfigureAwait(false) : before.DeclaredKeys;
        var entries = before.Entries;
        if (kinds.Contains(ChangeKind.Workload))
        {
            entries = await ReloadEntriesAsync(database, entries, changes, cancellation).ConfigureAwait(false);
        }

        var provisioned = kinds.Contains(ChangeKind.Revision) ? await LoadProvisionedAsync(database, keys, cancellation).ConfigureAwait(false)
            : kinds.Contains(ChangeKind.Trial) ? before.Provisioned with { Trial = await Trial.LoadAsync(database, before.Provisioned.Number, AllKeys(keys), cancellation).ConfigureAwait(false) }
            : before.Provisioned;
        var draft = kinds.Overlaps([ChangeKind.Draft, ChangeKind.LabelKeys]) ? await LoadDraftAsync(database, keys, cancellation).ConfigureAwait(false) : before.DraftPolicy;
        var recompile = kinds.Any(Recompiles);
        var settings = recompile ? await SettingsAsync(database, cancellation).ConfigureAwait(false) : before.Settings;
        var workloads = ReferenceEquals(entries, before.Entries) ? before.Workloads : Changed(before, entries, changes);
        var step = recompile ? before.Enforced.Advance(provisioned.Model, workloads, settings) : null;
        return new(
            sequence,
            settings.Now, keys, entries, workloads, draft, provisioned, step?.After ?? before.Enforced, settings)
        {
            Delta = step?.Delta,
        };
    }

    private static WorkloadIndex Changed(LiveSnapshot before, ImmutableDictionary<WorkloadId, WorkloadEntry> entries, IEnumerable<(ChangeKind Kind, string Id)> changes)
    {
        var named = changes.Where(change => change.Kind == ChangeKind.Workload).Select(change => new WorkloadId(Guid.Parse(change.Id))).Distinct()
            .ToLookup(entries.ContainsKey);
        return before.Workloads.With(named[true].Select(id => entries[id].Workload), named[false]);
    }

    private static async Task<ImmutableDictionary<WorkloadId, WorkloadEntry>> ReloadEntriesAsync(
        ControllerDb database, ImmutableDictionary<WorkloadId, WorkloadEntry> entries, IEnumerable<(ChangeKind Kind, string Id)> changes, CancellationToken cancellation)
    {
        var ids = changes.Where(change => change.Kind == ChangeKind.Workload).Select(change => Guid.Parse(change.Id)).ToHashSet();
        var rows = await database.Workloads.AsNoTracking().Include(w => w.Addresses).Where(w => ids.Contains(w.Id)).ToListAsync(cancellation).ConfigureAwait(false);
        return entries
            .RemoveRange(ids.Except(rows.Select(row => row.Id)).Select(id => new WorkloadId(id)))
            .SetItems(rows.Select(row => KeyValuePair.Create(new WorkloadId(row.Id), ToEntry(row))));
    }

    private static WorkloadEntry ToEntry(WorkloadRow row) => new(
        new()
        {
            Id = new(row.Id),
            Name = row.Name,
            Labels = StoredText.Labels(row.Labels),
            Addresses = row.Addresses.Select(a => new ScopedAddress(new(a.Space), IpAddress.Parse(a.Address))).Order().ToEquatableArray(),
            Managed = row.Managed,
            Features = StoredText.Words(row.Features).ToEquatableArray(),
            Quarantined = row.Quarantined,
            Admitted = row.Admitted,
        },
        row.Version,
        row.Managed ? new(row.MachineId ?? "", row.HardwareUuid ?? "", row.Pairing, StoredText.Prefixes(row.Networks)) : null);

    private static async Task<ImmutableSortedSet<string>> LoadKeysAsync(ControllerDb database, CancellationToken cancellation) =>
        (await database.LabelKeys.AsNoTracking().Select(row => row.Key).ToListAsync(cancellation).ConfigureAwait(false)).ToImmutableSortedSet(StringComparer.Ordinal);

    private static async Task<ProvisionedPolicy> LoadProvisionedAsync(ControllerDb database, ImmutableSortedSet<string> keys, CancellationToken cancellation)
    {
        var row = await database.Revisions.AsNoTracking().OrderByDescending(r => r.Number).FirstOrDefaultAsync(cancellation).ConfigureAwait(false);
        if (row is null)
        {
            return new(0, new(), PolicyModel.Empty, null);
        }

        var document = StoredText.Policy(row.Document);
        var model = PolicyParser.Parse(document, AllKeys(keys));
        return model.Value is { } value
            ? new(row.Number, document, value, await Trial.LoadAsync(database, row.Number, AllKeys(keys), cancellation).ConfigureAwait(false))
            : throw new InvalidDataException($"Revision {row.Number} cannot be read: {string.Join(" ", model.Diagnostics.Select(d => $"{d.Path}: {d.Message}"))}");
    }

    private static async Task<DraftPolicy> LoadDraftAsync(ControllerDb database, ImmutableSortedSet<string> keys, CancellationToken cancellation)
    {
        var rows = await database.Draft.AsNoTracking().ToListAsync(cancellation).ConfigureAwait(false);
        var document = DraftObjects.ToDocument(rows);
        return new(await CounterAsync(database, Counters.Draft, cancellation).ConfigureAwait(false), document, PolicyParser.Parse(document, AllKeys(keys)));
    }

    private static ImmutableSortedSet<string> AllKeys(ImmutableSortedSet<string> declared) => declared.Union(Policy.Labels.LabelText.BuiltInKeys);

    private static async Task<CompileSettings> SettingsAsync(ControllerDb database, CancellationToken cancellation) => new(
        new(
            (ulong)await CounterAsync(database, Counters.Epoch, cancellation).ConfigureAwait(false),
            (ulong)await CounterAsync(database, Counters.Generation, cancellation).ConfigureAwait(false)),
        DateTimeOffset.FromUnixTimeMilliseconds(await CounterAsync(database, Counters.CompiledAt, cancellation).ConfigureAwait(false)),
        ControllerSelf.EndpointsOf(await database.Controllers.AsNoTracking().Select(row => row.Endpoints).ToListAsync(cancellation).ConfigureAwait(false)));

    /// <summary>A counter; 0 if it was never used.</summary>
    internal static async Task<long> CounterAsync(ControllerDb database, string name, CancellationToken cancellation) =>
        (await database.Counters.FindAsync([name], cancellation).ConfigureAwait(false))?.Value ?? 0;
}
