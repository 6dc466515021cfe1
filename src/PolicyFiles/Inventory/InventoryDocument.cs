using System.Text.Json.Serialization;
using Bulkhead.Policy.Documents;

namespace Bulkhead.PolicyFiles.Inventory;

/// <summary>Workloads as people write them down, to compile, explain and assert without a controller.</summary>
public sealed record InventoryDocument
{
    /// <summary>Label keys besides role, app, env and loc.</summary>
    public IReadOnlyList<string> LabelKeys { get; init => field = value ?? []; } = [];

    /// <summary>The workloads, by unique name.</summary>
    public IReadOnlyList<WorkloadDocument> Workloads { get; init => field = value ?? []; } = [];
}

/// <summary>A workload as written.</summary>
public sealed record WorkloadDocument
{
    /// <summary>Unique.</summary>
    public string Name { get; init => field = value ?? ""; } = "";

    /// <summary>Its labels, one value a key.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init => field = value ?? s_none; } = s_none;

    /// <summary>The addresses that it holds, such as <c>192.0.2.7</c>; of another space than its own as <c>SPACE/ADDRESS</c>.</summary>
    public IReadOnlyList<string> Addresses { get; init => field = value ?? []; } = [];

    /// <summary>Addresses that lead to it besides its own: published ports, one-to-one translations, virtual IPs.</summary>
    public IReadOnlyList<PublicationDocument> Published { get; init => field = value ?? []; } = [];

    /// <summary>The addresses under which connections that it makes appear elsewhere (source NAT), written as its own are; others may have them too.</summary>
    public IReadOnlyList<string> Sources { get; init => field = value ?? []; } = [];

    /// <summary>The address space in which it sees its peers; usually the default one.</summary>
    public string Space { get; init => field = value ?? ""; } = "";

    /// <summary>Whether an agent enforces policy on it; usually true.</summary>
    public bool? Managed { get; init; }

    /// <summary>What its agent can decide; usually <c>base-1</c>. The word <c>all</c> stands for every feature there is.</summary>
    public IReadOnlyList<string> Features { get; init => field = value ?? []; } = [];

    /// <summary>Modes that override those that the policy assigns.</summary>
    public PinDocument? Pin { get; init; }

    /// <summary>Whether it is cut off from all but the responders.</summary>
    public bool Quarantined { get; init; }

    /// <summary>Whether its addresses count in others' peer sets; usually true, false while a pairing waits for approval.</summary>
    public bool? Admitted { get; init; }

    private static readonly IReadOnlyDictionary<string, string> s_none = new Dictionary<string, string>();
}

/// <summary>An address, and ports there, that lead to a workload.</summary>
public sealed record PublicationDocument
{
    /// <summary>The address that peers see, such as <c>192.0.2.7</c>; of another space than the workload's as <c>SPACE/ADDRESS</c>.</summary>
    public string Address { get; init => field = value ?? ""; } = "";

    /// <summary>The ports that peers see, such as <c>tcp/8080</c>, <c>tcp/8000-8010</c>, <c>udp</c> or <c>any</c>.</summary>
    public string Ports { get; init => field = value ?? ""; } = "";

    /// <summary>The workload's own port to which the first visible one leads, and so on; usually the same.</summary>
    public long? To { get; init; }

    /// <summary>Whether it leads to others as well that declare the same, as a virtual IP does.</summary>
    public bool Shared { get; init; }
}

/// <summary>Modes of one workload.</summary>
public sealed record PinDocument
{
    /// <summary><c>visibility</c>, <c>selective</c> or <c>full</c>.</summary>
    [OneOf("visibility", "selective", "full")]
    public string Inbound { get; init => field = value ?? "visibility"; } = "visibility";

    /// <summary><c>visibility</c>, <c>selective</c> or <c>full</c>.</summary>
    [OneOf("visibility", "selective", "full")]
    public string Outbound { get; init => field = value ?? "visibility"; } = "visibility";
}

/// <summary>Inventories as JSON, in the manner of <see cref="PolicyJson"/>.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(InventoryDocument))]
public sealed partial class InventoryJson : JsonSerializerContext;
