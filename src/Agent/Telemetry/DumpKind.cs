namespace Bulkhead.Agent.Telemetry;

/// <summary>Why connections are listed.</summary>
internal enum DumpKind
{
    /// <summary>At the start: what there is was there before.</summary>
    First,

    /// <summary>At the end of a window.</summary>
    Periodic,

    /// <summary>At the end of a window, only of the connections that are remembered.</summary>
    Named,

    /// <summary>After events were lost.</summary>
    AfterLoss,
}
