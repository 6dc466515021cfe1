using System.Text.Json.Serialization;

namespace Bulkhead.Contracts.Host;

/// <summary>What was blocked, alike but for its time: shown to the user whose socket it was.</summary>
/// <param name="Direction">in or out.</param>
/// <param name="Protocol">Such as tcp.</param>
/// <param name="Peer">The other end's address.</param>
/// <param name="Port">The provider's port, or the ICMP type.</param>
/// <param name="Reason">quarantine, invalid, override-deny, deny or default.</param>
/// <param name="Rule">The rule that blocked it, or null.</param>
public sealed record Block(string Direction, string Protocol, string Peer, int Port, string Reason, long? Rule)
{
    /// <summary>When it was last blocked.</summary>
    public DateTimeOffset Last { get; init; }

    /// <summary>Packets that were reported, retries included.</summary>
    public long Packets { get; init; }

    /// <summary>The ruleset that the rule is in, if that is known.</summary>
    public string? Ruleset { get; init; }

    /// <summary>Who answers for the rule, if it says so.</summary>
    public string? Owner { get; init; }

    /// <summary>Why there is the rule, if it says so.</summary>
    public string? Because { get; init; }

    /// <summary>The rule's ticket, if it has one.</summary>
    public string? Ticket { get; init; }

    /// <summary>What makes two alike.</summary>
    [JsonIgnore]
    public Block Kind => this with { Last = default, Packets = 0 };
}
