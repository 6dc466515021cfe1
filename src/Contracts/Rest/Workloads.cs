namespace Bulkhead.Contracts.Rest;

/// <summary>How far a direction is enforced.</summary>
public enum ModeName
{
    /// <summary>Reports only.</summary>
    Visibility,

    /// <summary>Deny rules block.</summary>
    Selective,

    /// <summary>Only what is allowed passes.</summary>
    Full,
}

/// <summary>The state of a managed workload's agent and policy.</summary>
public enum SyncState
{
    /// <summary>Unmanaged: there is no agent.</summary>
    None,

    /// <summary>Paired, waits for a person to admit it.</summary>
    Pending,

    /// <summary>Connected and enforces the newest policy meant for it.</summary>
    Synced,

    /// <summary>Connected; a newer policy is on its way.</summary>
    Syncing,

    /// <summary>Connected, but reports problems; see <see cref="WorkloadView.Problems"/>.</summary>
    Error,

    /// <summary>Not connected; still enforces the policy it has.</summary>
    Offline,
}

/// <summary>A workload, as <c>GET /api/v1/workloads</c> lists it.</summary>
/// <param name="Id">Its identity.</param>
/// <param name="Name">The host's name.</param>
/// <param name="Managed">Whether an agent is paired.</param>
/// <param name="Labels">Key to value.</param>
/// <param name="Addresses">In the default address space as plain text, else <c>space/address</c>.</param>
/// <param name="Inbound">The provisioned mode.</param>
/// <param name="Outbound">The provisioned mode.</param>
/// <param name="Quarantined">Cut off from all but the responders.</param>
/// <param name="Sync">State of the agent.</param>
/// <param name="AppliedGeneration"><c>epoch.number</c> that the agent enforces, or null.</param>
/// <param name="LastSeen">When the agent was last heard of.</param>
/// <param name="Problems">What the agent reports.</param>
/// <param name="Version">Counts edits; send it back to edit only what you saw.</param>
public sealed record WorkloadView(
    Guid Id,
    string Name,
    bool Managed,
    IReadOnlyDictionary<string, string> Labels,
    IReadOnlyList<string> Addresses,
    ModeName Inbound,
    ModeName Outbound,
    bool Quarantined,
    SyncState Sync,
    string? AppliedGeneration,
    DateTimeOffset? LastSeen,
    IReadOnlyList<DiagnosticView> Problems,
    long Version);

/// <summary><c>GET /api/v1/workloads/{id}</c>: all that is known of one.</summary>
/// <param name="Workload">As in the list.</param>
/// <param name="AgentVersion">Null if unmanaged.</param>
/// <param name="Os">Operating system.</param>
/// <param name="Kernel">Kernel release.</param>
/// <param name="Features">What the agent can enforce.</param>
/// <param name="Tracking">How full its connection tracking is; null if that was not reported.</param>
/// <param name="Listeners">Listening sockets.</param>
/// <param name="Policy">The provisioned policy of this host as sentences, in the order in which it decides.</param>
/// <param name="Sessions">Who is signed in there.</param>
/// <param name="Telemetry">Null before the agent told.</param>
public sealed record WorkloadDetail(
    WorkloadView Workload,
    string? AgentVersion,
    string? Os,
    string? Kernel,
    IReadOnlyList<string> Features,
    TrackingView? Tracking,
    IReadOnlyList<ListenerView> Listeners,
    IReadOnlyList<PolicySentence> Policy,
    IReadOnlyList<SessionOnHost> Sessions,
    TelemetryView? Telemetry);

/// <summary>How full a host's table of connections is; a full one drops new connections.</summary>
/// <param name="Connections">That it holds.</param>
/// <param name="Limit">That it may hold.</param>
/// <param name="Peak">The most seen since the agent started.</param>
public sealed record TrackingView(long Connections, long Limit, long Peak);

/// <summary>A listening socket.</summary>
/// <param name="Port">As <c>tcp/443</c>.</param>
/// <param name="Address">Null for every address.</param>
/// <param name="Process">Null if unknown.</param>
public sealed record ListenerView(string Port, string? Address, ProcessView? Process);

/// <summary>A process at one end of a connection.</summary>
/// <param name="Path">Executable.</param>
/// <param name="Name">Command name.</param>
/// <param name="Unit">Systemd unit, or null.</param>
/// <param name="User">Login user, else the owner.</param>
/// <param name="Owner">The owner; null if the agent did not tell.</param>
/// <param name="Container">Container, or null.</param>
/// <param name="Pid">Of one process that runs now: its id; else null.</param>
/// <param name="StartTime">With the id, its identity: clock ticks since boot.</param>
public sealed record ProcessView(string Path, string Name, string? Unit, string User, string? Owner = null, string? Container = null, long? Pid = null, long? StartTime = null);

/// <summary>Somebody who is signed in on a workload.</summary>
/// <param name="User">The user.</param>
/// <param name="Kind"><c>ssh</c>, <c>rdp</c>, <c>console</c> or <c>terminal</c>.</param>
/// <param name="Line">Such as <c>pts/0</c>, or null.</param>
/// <param name="From">From which address; null for the host itself.</param>
/// <param name="Port">The host's own port of a session over the network, or null.</param>
/// <param name="Since">Null if not known.</param>
public sealed record SessionOnHost(string User, string Kind, string? Line, string? From, int? Port, DateTimeOffset? Since);

/// <summary>How a workload's telemetry goes.</summary>
/// <param name="WindowSeconds">How long its windows are: 10 s, 1 s while somebody watches.</param>
/// <param name="Degraded">What it does without to stay within its share of the processor; null if nothing.</param>
/// <param name="LostEvents">Kernel events lost since its agent started.</param>
public sealed record TelemetryView(double WindowSeconds, string? Degraded, long LostEvents);

/// <summary>One decision of a host's policy.</summary>
/// <param name="Direction"><c>inbound</c> or <c>outbound</c>.</param>
/// <param name="RuleId">Null for defaults and essential entries.</param>
/// <param name="Ruleset">The name, or null.</param>
/// <param name="Sentence">Such as <c>web of storefront/prod may reach this host on tcp/3306</c>.</param>
public sealed record PolicySentence(string Direction, long? RuleId, string? Ruleset, string Sentence);

/// <summary><c>POST /api/v1/workloads</c>: an unmanaged workload, known by address only.</summary>
public sealed record CreateWorkload(string Name, IReadOnlyDictionary<string, string> Labels, IReadOnlyList<string> Addresses);

/// <summary>
/// <c>POST /api/v1/workloads/labels</c>: edits labels of any number of workloads, all or none. Answers <see cref="LabelEditResult"/>.
/// </summary>
/// <param name="Edits">One a workload.</param>
/// <param name="DryRun">Only say what it would do.</param>
/// <param name="Acknowledge">Codes of warnings that the author accepts; none if left out.</param>
public sealed record EditLabels(IReadOnlyList<LabelEdit> Edits, bool DryRun, IReadOnlyList<string>? Acknowledge = null);

/// <summary>An edit of one workload's labels.</summary>
/// <param name="Workload">Its id or unique name.</param>
/// <param name="Set">Keys to set.</param>
/// <param name="Remove">Keys to remove.</param>
/// <param name="Version">Refuse if the workload changed since; null to edit whatever is there.</param>
public sealed record LabelEdit(string Workload, IReadOnlyDictionary<string, string> Set, IReadOnlyList<string> Remove, long? Version);

/// <summary>What a label edit did, or would do.</summary>
/// <param name="Changed">The workloads as they are, or would be.</param>
/// <param name="EnforcingHostsAffected">Names of enforcing hosts whose policy changes.</param>
/// <param name="Applied">False for a dry run.</param>
public sealed record LabelEditResult(IReadOnlyList<WorkloadView> Changed, IReadOnlyList<string> EnforcingHostsAffected, bool Applied);

/// <summary><c>POST /api/v1/workloads/{id}/quarantine</c>.</summary>
public sealed record SetQuarantine(bool Quarantined, string Reason);

/// <summary><c>GET/PUT /api/v1/label-keys</c>: the label keys that exist besides the built-in ones.</summary>
public sealed record LabelKeys(IReadOnlyList<string> BuiltIn, IReadOnlyList<string> Declared);
