namespace Bulkhead.Contracts.Rest;

/// <summary>What becomes of a connection.</summary>
public enum VerdictKind
{
    /// <summary>A rule, or a mode's default with full in force, lets it pass.</summary>
    Allowed,

    /// <summary>Passes, but would not if the direction were in full.</summary>
    PotentiallyBlocked,

    /// <summary>Is stopped.</summary>
    Blocked,

    /// <summary>Cannot be decided from what is known.</summary>
    Unknown,
}

/// <summary>A verdict, with what decided it.</summary>
/// <param name="Kind">The combined verdict.</param>
/// <param name="Because">A sentence that names the end and the rule or default.</param>
/// <param name="Source">The consumer's outbound decision; null if the source is not managed.</param>
/// <param name="Destination">The provider's inbound decision; null if the destination is not managed.</param>
public sealed record VerdictView(VerdictKind Kind, string Because, EndDecisionView? Source, EndDecisionView? Destination);

/// <summary>What one end decides.</summary>
/// <param name="Outcome"><c>allow</c>, <c>block</c> or <c>unknown</c>, in the mode in force.</param>
/// <param name="InFull">The same if the direction were in full.</param>
/// <param name="Mode">The mode in force.</param>
/// <param name="DecidedBy"><c>quarantine</c>, <c>essential</c>, <c>rule</c> or <c>default</c>.</param>
/// <param name="RuleId">The deciding rule, or null.</param>
/// <param name="Ruleset">Its ruleset, or null.</param>
/// <param name="OtherRules">Other rules that match, in order.</param>
/// <param name="Because">A sentence.</param>
public sealed record EndDecisionView(
    string Outcome,
    string InFull,
    ModeName Mode,
    string DecidedBy,
    long? RuleId,
    string? Ruleset,
    IReadOnlyList<long> OtherRules,
    string Because);

/// <summary>One end of a flow.</summary>
/// <param name="WorkloadId">Null if no workload has the address.</param>
/// <param name="Name">The workload's name, else the address.</param>
/// <param name="Labels">Empty if not a workload.</param>
/// <param name="Address">As seen.</param>
/// <param name="Processes">Processes seen at this end; empty if not reported.</param>
/// <param name="Names">Names that DNS answers gave for the address, the newest first; empty for a workload. Evidence: no verdict depends on it.</param>
public sealed record FlowEnd(
    Guid? WorkloadId,
    string Name,
    IReadOnlyDictionary<string, string> Labels,
    string Address,
    IReadOnlyList<ProcessView> Processes,
    IReadOnlyList<AddressNameView> Names);

/// <summary>A name that a DNS answer gave for an address.</summary>
/// <param name="Name">What was asked for.</param>
/// <param name="SeenBy">The workload that last received such an answer, or its id if it is gone.</param>
/// <param name="At">When, an hour more or less.</param>
public sealed record AddressNameView(string Name, string SeenBy, DateTimeOffset At);

/// <summary>A source that tried many addresses or ports without an answer; <c>GET /api/v1/scans</c>.</summary>
/// <param name="Source">Who tried: a workload's name, else the address.</param>
/// <param name="SourceAddress">The address.</param>
/// <param name="SourceId">The workload, or null.</param>
/// <param name="SeenBy">The workload whose agent saw it.</param>
/// <param name="SeenById">The same.</param>
/// <param name="Direction"><c>inbound</c> if it came to that workload, <c>outbound</c> if it went out from it.</param>
/// <param name="Process">Executable of one that went out, or null.</param>
/// <param name="First">First attempt.</param>
/// <param name="Last">Last attempt.</param>
/// <param name="Targets">Addresses and ports tried; one that was tried again in a later window counts again.</param>
/// <param name="Addresses">Addresses tried; the most of a window.</param>
/// <param name="Connections">Attempts.</param>
/// <param name="Blocked">Of these, blocked there.</param>
/// <param name="FirstPort">The lowest port.</param>
/// <param name="LastPort">The highest port.</param>
/// <param name="Samples">Some of the targets.</param>
public sealed record ScanView(
    string Source,
    string SourceAddress,
    Guid? SourceId,
    string SeenBy,
    Guid SeenById,
    string Direction,
    string? Process,
    DateTimeOffset First,
    DateTimeOffset Last,
    long Targets,
    long Addresses,
    long Connections,
    long Blocked,
    int FirstPort,
    int LastPort,
    IReadOnlyList<string> Samples);

/// <summary>An edge: everything seen from one address to one address and port.</summary>
/// <param name="Source">The consumer.</param>
/// <param name="Destination">The provider.</param>
/// <param name="Port">As <c>tcp/443</c>, <c>icmp/8</c>.</param>
/// <param name="Connections">Seen in the asked window; attempts included.</param>
/// <param name="BlockedConnections">Of these, how many a kernel stopped.</param>
/// <param name="Packets">Both directions.</param>
/// <param name="Bytes">Both directions.</param>
/// <param name="Open">Connections open at the last report.</param>
/// <param name="FirstSeen">Ever.</param>
/// <param name="LastSeen">Ever.</param>
/// <param name="Reported">What the kernels did, with what decided it.</param>
/// <param name="Enforced">What the newest revision says.</param>
/// <param name="Draft">What the draft says.</param>
public sealed record FlowEdge(
    FlowEnd Source,
    FlowEnd Destination,
    string Port,
    long Connections,
    long BlockedConnections,
    long Packets,
    long Bytes,
    long Open,
    DateTimeOffset FirstSeen,
    DateTimeOffset LastSeen,
    VerdictView Reported,
    VerdictView Enforced,
    VerdictView Draft);

/// <summary>Which verdict a view shows.</summary>
public enum TrafficView
{
    /// <summary>What the kernels did.</summary>
    Reported,

    /// <summary>What the newest revision says.</summary>
    Enforced,

    /// <summary>What the draft says.</summary>
    Draft,
}

/// <summary><c>GET /api/v1/map?group=app,env&amp;view=reported&amp;since=…</c>: groups and the links between them.</summary>
/// <param name="At">When it was made.</param>
/// <param name="GroupBy">The label keys, in order; <c>workload</c> as the last for no grouping.</param>
/// <param name="View">Which verdicts.</param>
/// <param name="Groups">Compartments and outside ends, in a stable order.</param>
/// <param name="Links">Between groups, or within one; in a stable order.</param>
/// <param name="Gaps">What agents could not tell of the window.</param>
/// <param name="Degraded">How many agents do with longer windows or fewer names now, to stay within their share of the processor.</param>
/// <param name="Scans">The newest scans of the window, at most 50.</param>
public sealed record MapView(
    DateTimeOffset At,
    IReadOnlyList<string> GroupBy,
    TrafficView View,
    IReadOnlyList<MapGroup> Groups,
    IReadOnlyList<MapLink> Links,
    MapGaps Gaps,
    int Degraded,
    IReadOnlyList<ScanView> Scans);

/// <summary>What agents could not tell, or not in full, of the hours that a window touches.</summary>
/// <param name="Lost">Connections and blocked packets of which nothing is known.</param>
/// <param name="Incomplete">Connections that are shown, but not with all of their traffic.</param>
/// <param name="Unnamed">How many connections at most are shown without their process because what tells it was lost.</param>
/// <param name="Agents">How many agents that happened to.</param>
/// <param name="Workloads">At most 50 of them, those that lost most first.</param>
public sealed record MapGaps(long Lost, long Incomplete, long Unnamed, int Agents, IReadOnlyList<WorkloadGaps> Workloads);

/// <summary>The same of one workload's agent.</summary>
/// <param name="WorkloadId">The workload.</param>
/// <param name="Name">Its name, or its id if it is gone.</param>
/// <param name="Lost">As in the sum.</param>
/// <param name="Incomplete">As in the sum.</param>
/// <param name="Unnamed">As in the sum.</param>
public sealed record WorkloadGaps(Guid WorkloadId, string Name, long Lost, long Incomplete, long Unnamed);

/// <summary>A compartment.</summary>
/// <param name="Id">Stable: the same group has it tomorrow.</param>
/// <param name="Kind"><c>group</c>, <c>workload</c>, <c>network</c> (unmanaged address in a private range) or <c>internet</c>.</param>
/// <param name="Name">For people.</param>
/// <param name="Labels">What its members share of the grouping keys; empty values stand for "without this key".</param>
/// <param name="Members">How many workloads.</param>
/// <param name="Inbound">The lowest provisioned (draft: drafted) mode of its members.</param>
/// <param name="Outbound">The lowest mode of its members.</param>
/// <param name="MixedModes">Whether members differ.</param>
/// <param name="Quarantined">How many members are in quarantine.</param>
/// <param name="Stale">How many members have no connected agent, or one that lost connections: what is shown is not the whole truth.</param>
public sealed record MapGroup(
    string Id,
    string Kind,
    string Name,
    IReadOnlyDictionary<string, string> Labels,
    int Members,
    ModeName Inbound,
    ModeName Outbound,
    bool MixedModes,
    int Quarantined,
    int Stale);

/// <summary>All flows from one group to another.</summary>
/// <param name="Source">A group's id.</param>
/// <param name="Destination">A group's id.</param>
/// <param name="Services">By port, most connections first.</param>
/// <param name="Connections">In the window.</param>
/// <param name="Bytes">In the window.</param>
/// <param name="Verdicts">How many edges have each verdict.</param>
/// <param name="FirstSeen">Ever.</param>
/// <param name="LastSeen">Ever.</param>
public sealed record MapLink(
    string Source,
    string Destination,
    IReadOnlyList<MapService> Services,
    long Connections,
    long Bytes,
    VerdictCounts Verdicts,
    DateTimeOffset FirstSeen,
    DateTimeOffset LastSeen);

/// <summary>One port of a link.</summary>
/// <param name="Port">As <c>tcp/443</c>.</param>
/// <param name="SourceProcesses">Names of processes at the consumers.</param>
/// <param name="DestinationProcesses">Names of processes at the providers.</param>
/// <param name="Connections">In the window.</param>
/// <param name="Verdict">The worst of its edges': blocked, potentially blocked, unknown, allowed.</param>
/// <param name="Because">What decided that one.</param>
/// <param name="RuleId">The rule that decided that one, or null.</param>
public sealed record MapService(
    string Port,
    IReadOnlyList<string> SourceProcesses,
    IReadOnlyList<string> DestinationProcesses,
    long Connections,
    VerdictKind Verdict,
    string Because,
    long? RuleId);

/// <summary>Edges by verdict.</summary>
public sealed record VerdictCounts(int Allowed, int PotentiallyBlocked, int Blocked, int Unknown);

/// <summary><c>GET /api/v1/explain?from=…&amp;to=…&amp;port=tcp/3306&amp;view=enforced</c>: ends are workload names, ids or addresses.</summary>
/// <param name="From">The consumer.</param>
/// <param name="To">The provider.</param>
/// <param name="Port">As in policy.</param>
/// <param name="View">By which policy.</param>
/// <param name="FromAddress">The consumer's address of which the verdict holds.</param>
/// <param name="ToAddress">The provider's.</param>
/// <param name="Verdict">What becomes of it, and why: of several pairs of addresses the worst.</param>
/// <param name="Remedies">For a block: what would let it pass, the smallest change first.</param>
/// <param name="Others">What becomes of it between other addresses of the two, where that differs.</param>
/// <param name="FromNames">Names that DNS answers gave for the consumer's address, unless it is a workload; evidence only.</param>
/// <param name="ToNames">The same of the provider's.</param>
public sealed record Explanation(
    string From, string To, string Port, TrafficView View, string FromAddress, string ToAddress, VerdictView Verdict, IReadOnlyList<string> Remedies, IReadOnlyList<ExplainedPair> Others,
    IReadOnlyList<AddressNameView> FromNames, IReadOnlyList<AddressNameView> ToNames);

/// <summary>What becomes of a connection between two addresses.</summary>
/// <param name="FromAddress">The consumer's.</param>
/// <param name="ToAddress">The provider's.</param>
/// <param name="Verdict">And why.</param>
/// <param name="Remedies">For a block: what would let it pass, the smallest change first.</param>
public sealed record ExplainedPair(string FromAddress, string ToAddress, VerdictView Verdict, IReadOnlyList<string> Remedies);

/// <summary>A workload by name.</summary>
public sealed record NamedWorkload(Guid Id, string Name);

/// <summary>A host without a rule.</summary>
/// <param name="Workload">The host, or the source that a provider does not open to.</param>
/// <param name="Direction"><c>inbound</c> or <c>outbound</c>.</param>
/// <param name="Reason">A sentence.</param>
public sealed record RuleGap(NamedWorkload Workload, string Direction, string Reason);

/// <summary>A flow that a rule decided.</summary>
/// <param name="Flow">The flow.</param>
/// <param name="AtConsumer">Whether it decided at the consumer.</param>
/// <param name="AtProvider">Whether it decided at the provider.</param>
public sealed record RuleFlow(FlowEdge Flow, bool AtConsumer, bool AtProvider);

/// <summary><c>GET /api/v1/policy/rules/{id}?since=…</c>: what a rule in force touches and decides.</summary>
/// <param name="Id">The rule.</param>
/// <param name="Ruleset">Its ruleset.</param>
/// <param name="Consumers">Workloads that its consumer's end chooses; null if that is a network.</param>
/// <param name="Providers">Those of its provider's end; null if that is a network.</param>
/// <param name="Hosts">Hosts that hold it.</param>
/// <param name="Without">Hosts that go without it, and why.</param>
/// <param name="Since">Start of the window.</param>
/// <param name="Until">End of the window.</param>
/// <param name="FlowCount">How many flows of the window it decides at either end.</param>
/// <param name="Flows">At most 1,000 of them, the newest first.</param>
public sealed record RuleDetail(
    long Id,
    string Ruleset,
    IReadOnlyList<NamedWorkload>? Consumers,
    IReadOnlyList<NamedWorkload>? Providers,
    IReadOnlyList<NamedWorkload> Hosts,
    IReadOnlyList<RuleGap> Without,
    DateTimeOffset Since,
    DateTimeOffset Until,
    int FlowCount,
    IReadOnlyList<RuleFlow> Flows);
