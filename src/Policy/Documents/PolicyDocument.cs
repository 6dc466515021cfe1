using System.Text.Json.Serialization;

namespace Bulkhead.Policy.Documents;

/// <summary>
/// A whole policy as people write it and as REST and files carry it: text, not yet checked. A <c>PolicyParser</c> turns it into
/// a <see cref="Rules.PolicyModel"/> or says everything that is wrong with it.
/// </summary>
/// <remarks>
/// Generated JSON code sets what the JSON leaves out to null, so every property turns null into its usual value: what is left out is usual,
/// and what earlier versions stored is read.
/// </remarks>
public sealed record PolicyDocument
{
    /// <summary>The rulesets, by unique name.</summary>
    public IReadOnlyList<RulesetDocument> Rulesets { get; init => field = value ?? []; } = [];

    /// <summary>The named services.</summary>
    public IReadOnlyList<ServiceDocument> Services { get; init => field = value ?? []; } = [];

    /// <summary>The named networks.</summary>
    public IReadOnlyList<NetworkDocument> Networks { get; init => field = value ?? []; } = [];

    /// <summary>The named sets of label values.</summary>
    public IReadOnlyList<LabelGroupDocument> LabelGroups { get; init => field = value ?? []; } = [];

    /// <summary>Enforcement modes by selector; the strictest match wins in each direction.</summary>
    public IReadOnlyList<ModeDocument> Modes { get; init => field = value ?? []; } = [];

    /// <summary>Inbound connections that no policy can cut, such as SSH from the administrators' network.</summary>
    public IReadOnlyList<FailSafeDocument> FailSafe { get; init => field = value ?? []; } = [];

    /// <summary>In which networks workloads have their addresses, for proofs about networks.</summary>
    public IReadOnlyList<PlanDocument> Plans { get; init => field = value ?? []; } = [];

    /// <summary>What must never, or must always, be possible under this policy.</summary>
    public IReadOnlyList<AssertionDocument> Assertions { get; init => field = value ?? []; } = [];
}

/// <summary>A named scope with its rules.</summary>
public sealed record RulesetDocument
{
    /// <summary>Unique, 1 to 128 characters.</summary>
    public string Name { get; init => field = value ?? ""; } = "";

    /// <summary>What it is for.</summary>
    public string? Description { get; init; }

    /// <summary>Where it applies; ORed; at least one.</summary>
    public IReadOnlyList<ScopeDocument> Scopes { get; init => field = value ?? []; } = [];

    /// <summary>Its rules, in the author's order, which means nothing.</summary>
    public IReadOnlyList<RuleDocument> Rules { get; init => field = value ?? []; } = [];
}

/// <summary>One scope of a ruleset.</summary>
public sealed record ScopeDocument
{
    /// <summary>The selector, such as <c>app=storefront,env=prod</c> or <c>all</c>.</summary>
    public string Selector { get; init => field = value ?? ""; } = "";

    /// <summary>Label keys that split the scope into one compartment per combination of their values.</summary>
    public IReadOnlyList<string> Per { get; init => field = value ?? []; } = [];
}

/// <summary>One rule.</summary>
public sealed record RuleDocument
{
    /// <summary>A positive number, unique in the policy and never reused; 0 in a new rule, for the controller to assign.</summary>
    public long Id { get; init; }

    /// <summary>The consumer: a selector or <c>network:NAME</c>.</summary>
    public string From { get; init => field = value ?? ""; } = "";

    /// <summary>The provider: a selector or <c>network:NAME</c>.</summary>
    public string To { get; init => field = value ?? ""; } = "";

    /// <summary>Names of services, or ports such as <c>tcp/443</c>, or <c>any</c>.</summary>
    public IReadOnlyList<string> Services { get; init => field = value ?? []; } = [];

    /// <summary><c>allow</c>, <c>deny</c> or <c>override-deny</c>.</summary>
    [OneOf("allow", "deny", "override-deny")]
    public string Action { get; init => field = value ?? "allow"; } = "allow";

    /// <summary>Which labelled ends lie within the scope: <c>both</c> (intra-scope), <c>from</c> or <c>to</c> (extra-scope).</summary>
    [OneOf("both", "from", "to")]
    public string Within { get; init => field = value ?? "both"; } = "both";

    /// <summary>The executable path or systemd unit that must own the consumer's socket.</summary>
    public ProcessDocument? FromProcess { get; init; }

    /// <summary>Directory groups of which the connecting user must be in one.</summary>
    public IReadOnlyList<string> Users { get; init => field = value ?? []; } = [];

    /// <summary><c>strict</c>, or <c>best-effort</c>: open the provider also to sources that cannot enforce the consumer condition.</summary>
    [OneOf("strict", "best-effort")]
    public string Consumer { get; init => field = value ?? "strict"; } = "strict";

    /// <summary><c>skip</c> or <c>match</c>: whether a deny also meets sockets that the kernel could not identify.</summary>
    [OneOf("skip", "match")]
    public string Unidentified { get; init => field = value ?? "skip"; } = "skip";

    /// <summary><c>refuse</c> or <c>skip</c>: what becomes of a deny at hosts that cannot decide it.</summary>
    [OneOf("refuse", "skip")]
    public string WhereUnenforceable { get; init => field = value ?? "refuse"; } = "refuse";

    /// <summary>Who answers for it.</summary>
    public string? Owner { get; init; }

    /// <summary>Why it exists.</summary>
    public string? Reason { get; init; }

    /// <summary>A reference into the organisation's ticket system.</summary>
    public string? Ticket { get; init; }

    /// <summary>When it stops to apply.</summary>
    public DateTimeOffset? Expires { get; init; }
}

/// <summary>A process condition as written: at least one of the two.</summary>
public sealed record ProcessDocument
{
    /// <summary>Absolute path of the executable.</summary>
    public string? Path { get; init; }

    /// <summary>Systemd unit with its suffix.</summary>
    public string? Unit { get; init; }
}

/// <summary>A named service.</summary>
public sealed record ServiceDocument
{
    /// <summary>Unique; not of the form of a port.</summary>
    public string Name { get; init => field = value ?? ""; } = "";

    /// <summary>Ports such as <c>tcp/443</c>, <c>udp/8000-8100</c>, <c>icmp/8</c>; at least one.</summary>
    public IReadOnlyList<string> Ports { get; init => field = value ?? []; } = [];

    /// <summary>The process that must own the serving socket.</summary>
    public ProcessDocument? Process { get; init; }

    /// <summary>Whether hosts let it pass without tracking connections, replies being told by their ports alone. For TCP and UDP ports that need no process.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Stateless { get; init; }

    /// <summary>The connection-tracking helper that reads along in allowed connections, so that those that they agree upon pass too: amanda, ftp, netbios-ns, pptp, sane, sip, snmp or tftp.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Helper { get; init; }
}

/// <summary>A named network.</summary>
public sealed record NetworkDocument
{
    /// <summary>Unique. The network named <c>responders</c> may reach quarantined workloads.</summary>
    public string Name { get; init => field = value ?? ""; } = "";

    /// <summary>CIDRs, addresses and ranges <c>first-last</c>.</summary>
    public IReadOnlyList<string> Addresses { get; init => field = value ?? []; } = [];

    /// <summary>CIDRs, addresses and ranges taken out of them.</summary>
    public IReadOnlyList<string> Exclude { get; init => field = value ?? []; } = [];

    /// <summary>Names such as <c>www.example.com</c> and patterns such as <c>*.example.com</c>. Not enforced yet: rules open the addresses only.</summary>
    public IReadOnlyList<string> Fqdn { get; init => field = value ?? []; } = [];
}

/// <summary>A named set of values of one label key, for selectors to use as <c>env=@nonprod</c>.</summary>
public sealed record LabelGroupDocument
{
    /// <summary>Unique; written in selectors after <c>@</c>.</summary>
    public string Name { get; init => field = value ?? ""; } = "";

    /// <summary>The label key whose values it holds.</summary>
    public string Key { get; init => field = value ?? ""; } = "";

    /// <summary>Values of the key.</summary>
    public IReadOnlyList<string> Values { get; init => field = value ?? []; } = [];

    /// <summary>Names of other groups of the same key, whose values it holds too.</summary>
    public IReadOnlyList<string> Groups { get; init => field = value ?? []; } = [];
}

/// <summary>Assigns enforcement modes to workloads.</summary>
public sealed record ModeDocument
{
    /// <summary>Which workloads.</summary>
    public string Selector { get; init => field = value ?? ""; } = "";

    /// <summary>For both directions: <c>visibility</c>, <c>selective</c> or <c>full</c>; a direction of its own may only be stricter.</summary>
    [OneOf("visibility", "selective", "full")]
    public string? Mode { get; init; }

    /// <summary><c>visibility</c>, <c>selective</c> or <c>full</c>.</summary>
    [OneOf("visibility", "selective", "full")]
    public string Inbound { get; init => field = value ?? "visibility"; } = "visibility";

    /// <summary><c>visibility</c>, <c>selective</c> or <c>full</c>.</summary>
    [OneOf("visibility", "selective", "full")]
    public string Outbound { get; init => field = value ?? "visibility"; } = "visibility";

    /// <summary>The same with both directions written out; as it is if a word of it is none.</summary>
    public ModeDocument WrittenOut()
    {
        if (Mode is null || ModeNames.Parse(Mode) is not { } both || ModeNames.Parse(Inbound) is not { } inbound || ModeNames.Parse(Outbound) is not { } outbound)
        {
            return this;
        }

        return this with { Mode = null, Inbound = both > inbound ? Mode : Inbound, Outbound = both > outbound ? Mode : Outbound };
    }
}

/// <summary>Connections that stay open whatever the policy says.</summary>
public sealed record FailSafeDocument
{
    /// <summary>The name of the network that may connect.</summary>
    public string Network { get; init => field = value ?? ""; } = "";

    /// <summary>To which ports.</summary>
    public IReadOnlyList<string> Ports { get; init => field = value ?? []; } = [];
}
