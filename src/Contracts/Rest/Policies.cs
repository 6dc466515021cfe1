namespace Bulkhead.Contracts.Rest;

/// <summary>One difference between the draft and the newest revision (<c>GET /api/v1/policy/draft/changes</c>).</summary>
/// <param name="Kind"><c>ruleset</c>, <c>service</c>, <c>network</c>, <c>labelGroup</c>, <c>assertion</c>, <c>modes</c>, <c>failSafe</c> or <c>plans</c>.</param>
/// <param name="Name">The object's name; empty for modes and failSafe.</param>
/// <param name="Change"><c>added</c>, <c>changed</c> or <c>removed</c>.</param>
/// <param name="Details">A sentence for each changed field or rule.</param>
public sealed record PolicyChange(string Kind, string Name, string Change, IReadOnlyList<string> Details);

/// <summary><c>GET /api/v1/policy/draft/changes</c>.</summary>
/// <param name="BaseRevision">The revision compared with; 0 before the first.</param>
/// <param name="DraftVersion">Counts edits; send it with <see cref="Provision"/>.</param>
/// <param name="Changes">Empty if there is nothing to provision.</param>
/// <param name="Diagnostics">All problems and warnings of the draft, assertions that it breaks included.</param>
public sealed record DraftStatus(long BaseRevision, long DraftVersion, IReadOnlyList<PolicyChange> Changes, IReadOnlyList<DiagnosticView> Diagnostics);

/// <summary><c>GET /api/v1/policy/draft/impact</c>: what provisioning the draft would do to the traffic seen in a window.</summary>
/// <param name="From">Start of the window.</param>
/// <param name="To">End of the window.</param>
/// <param name="Edges">How many distinct edges were judged.</param>
/// <param name="NewlyBlocked">Pass now, would be blocked.</param>
/// <param name="NewlyAllowed">Are blocked now, would pass.</param>
/// <param name="HostsChanged">Names of hosts whose policy changes.</param>
/// <param name="LeftOut">Allows that some host cannot decide and will go without.</param>
public sealed record DraftImpact(
    DateTimeOffset From,
    DateTimeOffset To,
    long Edges,
    IReadOnlyList<FlowEdge> NewlyBlocked,
    IReadOnlyList<FlowEdge> NewlyAllowed,
    IReadOnlyList<string> HostsChanged,
    IReadOnlyList<DiagnosticView> LeftOut);

/// <summary><c>POST /api/v1/policy/provision</c>.</summary>
/// <param name="Note">Why; required.</param>
/// <param name="DraftVersion">The draft that was looked at; a different one is refused with 409.</param>
/// <param name="Acknowledge">Codes of warnings that the author accepts.</param>
/// <param name="Only">The changes to provision, as in <see cref="ProvisionPlan"/>; what they refer to comes along, the rest stays in the draft. All of the draft if left out.</param>
/// <param name="ForSeconds">After how many seconds it reverts by itself, unless it is confirmed; it stays for good if left out.</param>
/// <param name="RevertOnBlock">With a time: whether it reverts at once when a host blocks what the policy before it would have let pass.</param>
public sealed record Provision(string Note, long DraftVersion, IReadOnlyList<string> Acknowledge, IReadOnlyList<string>? Only = null, long? ForSeconds = null, bool RevertOnBlock = false);

/// <summary>
/// <c>GET /api/v1/policy/draft/plan</c>: what provisioning would make of the draft, or of the changes that <c>only</c> names, each as <c>KIND/NAME</c>
/// (<c>ruleset/shop</c>, <c>modes/app=shop</c>, <c>failSafe/admins</c>) or a kind alone for all changes of it.
/// </summary>
/// <param name="BaseRevision">The revision compared with; 0 before the first.</param>
/// <param name="DraftVersion">Send it with <see cref="Provision"/>.</param>
/// <param name="Changes">Against that revision; empty if there is nothing to provision.</param>
/// <param name="Carried">Those of them that were not named, but come along.</param>
/// <param name="Left">Changes that stay in the draft.</param>
/// <param name="Effects">What it newly allows and blocks between all workloads that could exist, in the modes that each policy assigns.</param>
/// <param name="Impact">What it does to the traffic that was seen.</param>
/// <param name="NeedApproval">Names of the changes that take a second person's approval; none if it takes none.</param>
/// <param name="Diagnostics">All problems and warnings, assertions that it breaks and sessions that it would cut included.</param>
public sealed record ProvisionPlan(
    long BaseRevision,
    long DraftVersion,
    IReadOnlyList<PolicyChange> Changes,
    IReadOnlyList<CarriedChange> Carried,
    IReadOnlyList<PolicyChange> Left,
    EffectList Effects,
    DraftImpact Impact,
    IReadOnlyList<string> NeedApproval,
    IReadOnlyList<DiagnosticView> Diagnostics);

/// <summary>A change that comes along.</summary>
/// <param name="Part">As <c>KIND/NAME</c>.</param>
/// <param name="With">The part that refers to it, or exchanges a rule with it.</param>
public sealed record CarriedChange(string Part, string With);

/// <summary><c>POST /api/v1/policy/revisions/{number}/restore</c>: makes a new revision with that one's content.</summary>
/// <param name="Note">Why; required.</param>
/// <param name="Acknowledge">Codes of warnings that the author accepts; none if left out.</param>
public sealed record RestoreRevision(string Note, IReadOnlyList<string>? Acknowledge = null);

/// <summary>An immutable revision.</summary>
/// <param name="Number">1, 2, 3 …</param>
/// <param name="Parent">The revision before it; 0 for none.</param>
/// <param name="Hash">SHA-256 of its content, hex.</param>
/// <param name="Note">Why.</param>
/// <param name="Author">Who.</param>
/// <param name="Created">When.</param>
/// <param name="RestoredFrom">The revision whose content it restores, or null.</param>
/// <param name="Changes">Against its parent.</param>
/// <param name="Rollout">How far it has come; only for the newest.</param>
/// <param name="ApprovedBy">The second person, where one was needed.</param>
/// <param name="Trial">That it was provisioned for a time; null if for good.</param>
public sealed record RevisionView(
    long Number,
    long Parent,
    string Hash,
    string Note,
    string Author,
    DateTimeOffset Created,
    long? RestoredFrom,
    IReadOnlyList<PolicyChange> Changes,
    RolloutView? Rollout,
    string? ApprovedBy,
    TrialView? Trial);

/// <summary>Which hosts enforce the newest revision.</summary>
/// <param name="Affected">Hosts whose policy it changes.</param>
/// <param name="Applied">Of these, how many have acknowledged.</param>
/// <param name="Waiting">Names of connected hosts that have not yet.</param>
/// <param name="Offline">Names of hosts that keep their older policy because they are not connected.</param>
/// <param name="Failed">Names of hosts that refused it; see the workload's problems.</param>
public sealed record RolloutView(int Affected, int Applied, IReadOnlyList<string> Waiting, IReadOnlyList<string> Offline, IReadOnlyList<string> Failed);
