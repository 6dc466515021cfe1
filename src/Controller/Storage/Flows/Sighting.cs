using Bulkhead.Policy.Addresses;

namespace Bulkhead.Controller.Storage.Flows;

/// <summary>The end of a connection at which an agent saw it.</summary>
public enum FlowSide
{
    /// <summary>The consumer's host.</summary>
    Source,

    /// <summary>The provider's host.</summary>
    Destination,
}

/// <summary>A process as agents name it; without pid, so that restarts of one program are one process.</summary>
/// <param name="Path">Executable.</param>
/// <param name="Name">Command name.</param>
/// <param name="Unit">Systemd unit, or empty.</param>
/// <param name="User">Login user, else the owner.</param>
public sealed record SeenProcess(string Path, string Name, string Unit, string User)
{
    /// <summary>The owner's name; empty if the agent does not tell.</summary>
    public string Owner { get; init; } = "";

    /// <summary>The container, or empty.</summary>
    public string Container { get; init; } = "";
}

/// <summary>A name that a DNS answer gave for an address, as an agent's host received it. Evidence for people; no verdict depends on it.</summary>
/// <param name="Address">The address.</param>
/// <param name="Name">What was asked for.</param>
public readonly record struct SeenAddressName(IpAddress Address, string Name);

/// <summary>What one agent saw in one window between two addresses at one port, of one process and with one outcome.</summary>
public readonly record struct Sighting
{
    /// <summary>The consumer's address.</summary>
    public required IpAddress Source { get; init; }

    /// <summary>The provider's address.</summary>
    public required IpAddress Destination { get; init; }

    /// <summary>IP protocol number.</summary>
    public required byte Protocol { get; init; }

    /// <summary>The provider's port, or the ICMP type.</summary>
    public required ushort Port { get; init; }

    /// <summary>Whose kernel saw it.</summary>
    public required FlowSide Side { get; init; }

    /// <summary>The process at that end; null if it could not be identified.</summary>
    public SeenProcess? Process { get; init; }

    /// <summary>Whether that kernel stopped it.</summary>
    public bool Blocked { get; init; }

    /// <summary>Whether it stands for others of a scan.</summary>
    public bool OfScan { get; init; }

    /// <summary>For a blocked one: a rule id, or one of <see cref="BlockedBy"/>.</summary>
    public long DecidedBy { get; init; }

    /// <summary>First activity; Unix milliseconds by the controller's clock.</summary>
    public required long First { get; init; }

    /// <summary>Last activity; Unix milliseconds by the controller's clock.</summary>
    public required long Last { get; init; }

    /// <summary>Connections or attempts that began in the window.</summary>
    public long Connections { get; init; }

    /// <summary>From that end.</summary>
    public long BytesOut { get; init; }

    /// <summary>To that end.</summary>
    public long BytesIn { get; init; }

    /// <summary>From that end.</summary>
    public long PacketsOut { get; init; }

    /// <summary>To that end.</summary>
    public long PacketsIn { get; init; }

    /// <summary>Connections open at the window's end.</summary>
    public int Open { get; init; }
}

/// <summary>What stopped a connection when no rule did; the agent channel's numbers.</summary>
public static class BlockedBy
{
    /// <summary>The default of the mode.</summary>
    public const long Default = 0;

    /// <summary>Quarantine.</summary>
    public const long Quarantine = -1;

    /// <summary>Connection tracking found the packet invalid: a stray packet, not an attempt to connect.</summary>
    public const long Invalid = -2;
}

/// <summary>A checked batch of one agent; counts once, however often it is submitted.</summary>
/// <param name="Agent">The workload.</param>
/// <param name="Space">Where its addresses and those of its peers mean what they say.</param>
/// <param name="SpoolEpoch">Of the agent's spool.</param>
/// <param name="Sequence">Rises within the epoch; one that is not above the last stored counts as stored.</param>
/// <param name="Window">The window's start; Unix milliseconds by the controller's clock.</param>
/// <param name="Gaps">What the agent could not tell, what was in dropped batches among it, and connections refused by the controller.</param>
/// <param name="Sightings">In the agent's order.</param>
public sealed record SightingBatch(
    Guid Agent,
    AddressSpace Space,
    ulong SpoolEpoch,
    ulong Sequence,
    long Window,
    Gaps Gaps,
    IReadOnlyList<Sighting> Sightings)
{
    /// <summary>Names of addresses of these sightings.</summary>
    public IReadOnlyList<SeenAddressName> Names { get; init; } = [];

    /// <summary>Scans of the window.</summary>
    public IReadOnlyList<ScanSighting> Scans { get; init; } = [];
}
