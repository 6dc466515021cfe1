namespace Bulkhead.Controller.Storage.Rows;

/// <summary>A workload. What its agent merely observes is an <see cref="ObservationRow"/>.</summary>
public sealed class WorkloadRow
{
    /// <summary>Its identity.</summary>
    public Guid Id { get; set; }

    /// <summary>For people; need not be unique, since hosts name themselves.</summary>
    public string Name { get; set; } = "";

    /// <summary>Whether an agent is paired.</summary>
    public bool Managed { get; set; }

    /// <summary>A JSON object, key to value.</summary>
    public string Labels { get; set; } = "{}";

    /// <summary>Cut off from all but the responders.</summary>
    public bool Quarantined { get; set; }

    /// <summary>Whether its addresses count in others' policy.</summary>
    public bool Admitted { get; set; }

    /// <summary>What its agent can decide: names separated by spaces, sorted.</summary>
    public string Features { get; set; } = "";

    /// <summary>The host's machine-id; null if unmanaged.</summary>
    public string? MachineId { get; set; }

    /// <summary>The host's hardware UUID; null if unmanaged.</summary>
    public string? HardwareUuid { get; set; }

    /// <summary>CIDRs within which its agent's addresses count, separated by spaces.</summary>
    public string Networks { get; set; } = "";

    /// <summary>How many times it was paired; certificates of earlier pairings are void.</summary>
    public long Pairing { get; set; }

    /// <summary>Counts edits.</summary>
    public long Version { get; set; }

    /// <summary>The addresses that it holds.</summary>
    public List<AddressRow> Addresses { get; set; } = [];
}

/// <summary>An address and its one holder.</summary>
public sealed class AddressRow
{
    /// <summary>The address space; empty for the default one.</summary>
    public string Space { get; set; } = "";

    /// <summary>The address as text, canonical.</summary>
    public string Address { get; set; } = "";

    /// <summary>Who holds it.</summary>
    public Guid WorkloadId { get; set; }
}

/// <summary>The last state that an agent reported; lost without harm, never in the change log.</summary>
public sealed class ObservationRow
{
    /// <summary>Whose.</summary>
    public Guid WorkloadId { get; set; }

    /// <summary>When the agent was last heard of.</summary>
    public DateTimeOffset LastSeen { get; set; }

    /// <summary>A serialised <see cref="Contracts.Agent.StateReport"/>.</summary>
    public byte[] Report { get; set; } = [];

    /// <summary>The controller that the agent is connected to; empty if none.</summary>
    public string Controller { get; set; } = "";

    /// <summary>Where it is connected from, or last was.</summary>
    public string Remote { get; set; } = "";

    /// <summary>Which batch of observations it was last written in; see <see cref="Counters.Observation"/>.</summary>
    public long Stamp { get; set; }
}
