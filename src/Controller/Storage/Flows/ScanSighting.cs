using Bulkhead.Policy.Addresses;

namespace Bulkhead.Controller.Storage.Flows;

/// <summary>A source that tried many addresses or ports without an answer, as one agent saw it in one window or in several on end.</summary>
public sealed record ScanSighting
{
    /// <summary>Whose agent saw it.</summary>
    public required Guid Agent { get; init; }

    /// <summary>Whether it came to that host, or went out from it.</summary>
    public required FlowSide Side { get; init; }

    /// <summary>Who tried.</summary>
    public required ScopedAddress Source { get; init; }

    /// <summary>Executable of one that went out, or empty.</summary>
    public string Process { get; init; } = "";

    /// <summary>First attempt; Unix milliseconds by the controller's clock.</summary>
    public required long First { get; init; }

    /// <summary>Last attempt.</summary>
    public required long Last { get; init; }

    /// <summary>Addresses and ports; one that was tried in two windows counts in each.</summary>
    public required long Targets { get; init; }

    /// <summary>Addresses; the most of a window.</summary>
    public required long Addresses { get; init; }

    /// <summary>Attempts.</summary>
    public required long Connections { get; init; }

    /// <summary>Of these, blocked.</summary>
    public required long Blocked { get; init; }

    /// <summary>The lowest port.</summary>
    public required ushort FirstPort { get; init; }

    /// <summary>The highest port.</summary>
    public required ushort LastPort { get; init; }

    /// <summary>Some of the targets, such as <c>10.0.0.1 tcp/22</c>.</summary>
    public required IReadOnlyList<string> Samples { get; init; }
}
