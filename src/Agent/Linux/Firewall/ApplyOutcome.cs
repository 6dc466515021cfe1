using Bulkhead.Policy;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>What became of an apply.</summary>
/// <param name="Error">Why it failed, or null. If nft refused, the rules are as before.</param>
/// <param name="Steps">Changes made to the table; 0 if it was right already.</param>
/// <param name="Destroyed">Sockets ended.</param>
/// <param name="Forgotten">Entries taken out of conntrack.</param>
/// <param name="Admitted">Entries put into conntrack.</param>
public sealed record ApplyOutcome(string? Error, int Steps = 0, int Destroyed = 0, int Forgotten = 0, int Admitted = 0)
{
    /// <summary>What others had changed in the table and was found and undone by this apply, in words.</summary>
    public EquatableArray<string> Undone { get; init; }

    /// <summary>Whether the policy is in force, for live connections too.</summary>
    public bool Ok => Error is null;

    /// <summary>Both: the changes of each, and the first failure.</summary>
    public ApplyOutcome And(ApplyOutcome next)
    {
        ArgumentNullException.ThrowIfNull(next);
        return new(Error ?? next.Error, Steps + next.Steps, Destroyed + next.Destroyed, Forgotten + next.Forgotten, Admitted + next.Admitted) { Undone = [.. Undone, .. next.Undone] };
    }
}
