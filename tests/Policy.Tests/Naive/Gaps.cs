namespace Bulkhead.Policy.Tests.Naive;

/// <summary>Where the engine is known not to do yet what the design says; each is set to false, and then removed, with the engine's correction.</summary>
internal static class Gaps
{
    /// <summary>An address that several workloads claim counts in the peer sets of all of them, not of its holder alone.</summary>
    public static readonly bool ContestedAddresses = true;

    /// <summary>A managed responder's own end cuts it off from the workload in quarantine.</summary>
    public static readonly bool ManagedResponders = true;

    /// <summary>Where an end can't be decided, another rule than the first possible one is named.</summary>
    public static readonly bool RuleOfAnUndecidableEnd = true;

    /// <summary>A connection between two addresses of one workload, which never leaves it, is judged.</summary>
    public static readonly bool OwnAddresses = true;

    /// <summary>Conditions of different rules on one socket are taken for independent, so that some decidable ends are called unknown.</summary>
    public static readonly bool RelatedConditions = true;

    /// <summary>Allows left out for several reasons at one host are listed in the order of the document's scopes.</summary>
    public static readonly bool OrderOfLeftOut = true;
}
