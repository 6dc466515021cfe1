using System.Collections.Frozen;
using System.Collections.Immutable;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Assertions;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Controller.Storage;

/// <summary>All that decides anything, at one moment: an immutable value that is replaced whole when the tables change.</summary>
public sealed record LiveSnapshot
{
    private readonly Lazy<CompiledPolicy> _draft;
    private readonly Lazy<IReadOnlyList<AssertionResult>> _draftProofs;
    private readonly Lazy<FrozenDictionary<ScopedAddress, WorkloadEntry>> _holders;

    internal LiveSnapshot(
        long sequence,
        DateTimeOffset at,
        ImmutableSortedSet<string> declaredKeys,
        ImmutableDictionary<WorkloadId, WorkloadEntry> entries,
        WorkloadIndex workloads,
        DraftPolicy draft,
        ProvisionedPolicy provisioned,
        CompiledPolicy enforced,
        CompileSettings settings)
    {
        (Sequence, At, DeclaredKeys, Entries, Workloads) = (sequence, at, declaredKeys, entries, workloads);
        (DraftPolicy, Provisioned, Enforced, Settings) = (draft, provisioned, enforced, settings);
        LabelKeys = declaredKeys.Union(Policy.Labels.LabelText.BuiltInKeys);
        _holders = new(() => entries.Values.SelectMany(entry => entry.Workload.Addresses.Select(address => (address, entry))).ToFrozenDictionary(pair => pair.address, pair => pair.entry));
        _draftProofs = new(() => draft.Model.Value is { } model ? AssertionChecker.Check(model, at, workloads) : []);
        _draft = new(() => draft.Model.Value is not { } model || model == provisioned.Model ? enforced : enforced.Advance(model, workloads, settings).After);
    }

    /// <summary>The position in the change log up to which it is current.</summary>
    public long Sequence { get; }

    /// <summary>When it was made; rules that had expired by then do not apply.</summary>
    public DateTimeOffset At { get; }

    /// <summary>The label keys that operators declared.</summary>
    public ImmutableSortedSet<string> DeclaredKeys { get; }

    /// <summary>All label keys that exist.</summary>
    public ImmutableSortedSet<string> LabelKeys { get; }

    /// <summary>What policy does not look at, by workload.</summary>
    public ImmutableDictionary<WorkloadId, WorkloadEntry> Entries { get; }

    /// <summary>Every holder of an address, admitted or not.</summary>
    public IReadOnlyDictionary<ScopedAddress, WorkloadEntry> Holders => _holders.Value;

    /// <summary>All workloads.</summary>
    public WorkloadIndex Workloads { get; }

    /// <summary>The draft as written.</summary>
    public DraftPolicy DraftPolicy { get; }

    /// <summary>The newest revision as written.</summary>
    public ProvisionedPolicy Provisioned { get; }

    /// <summary>The newest revision, compiled: what hosts are told.</summary>
    public CompiledPolicy Enforced { get; }

    /// <summary>How <see cref="Enforced"/> differs from that of the snapshot before; null if it is the same, or was compiled from scratch.</summary>
    public PolicyDelta? Delta { get; init; }

    /// <summary>The draft, compiled when first asked for; the same object as <see cref="Enforced"/> if it says the same.</summary>
    public CompiledPolicy Draft => _draft.Value;

    /// <summary>The draft's assertions, decided when first asked for; none while the draft has problems.</summary>
    public IReadOnlyList<AssertionResult> DraftProofs => _draftProofs.Value;

    /// <summary>With what both were compiled.</summary>
    public CompileSettings Settings { get; }
}

/// <summary>A workload with what belongs to it besides policy.</summary>
/// <param name="Workload">As policy sees it.</param>
/// <param name="Version">Counts edits.</param>
/// <param name="Agent">Its paired agent; null if unmanaged.</param>
public sealed record WorkloadEntry(Workload Workload, long Version, AgentBinding? Agent);

/// <summary>What binds an agent to its workload.</summary>
/// <param name="MachineId">The host's machine-id.</param>
/// <param name="HardwareUuid">The host's hardware UUID.</param>
/// <param name="Pairing">Only certificates of this pairing count.</param>
/// <param name="Networks">Where its addresses count.</param>
public sealed record AgentBinding(string MachineId, string HardwareUuid, long Pairing, EquatableArray<IpPrefix> Networks);

/// <summary>The draft.</summary>
/// <param name="Version">Counts edits.</param>
/// <param name="Document">As written.</param>
/// <param name="Model">Checked, with warnings.</param>
public sealed record DraftPolicy(long Version, PolicyDocument Document, Checked<PolicyModel> Model);

/// <summary>The newest revision.</summary>
/// <param name="Number">0 before the first.</param>
/// <param name="Document">As written.</param>
/// <param name="Model">Checked.</param>
/// <param name="Trial">What takes it back by itself; null if it is in force for good.</param>
public sealed record ProvisionedPolicy(long Number, PolicyDocument Document, PolicyModel Model, Trial? Trial);
