using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Rules;

/// <summary>One end of a rule.</summary>
public abstract record RuleEnd
{
    private RuleEnd()
    {
    }

    /// <summary>Workloads chosen by labels.</summary>
    public sealed record Workloads(Selector Selector) : RuleEnd
    {
        /// <inheritdoc/>
        public override string ToString() => Selector.ToString();
    }

    /// <summary>Addresses, whoever owns them; exempt from the ruleset's scope.</summary>
    public sealed record Addresses(Network Network) : RuleEnd
    {
        /// <inheritdoc/>
        public override string ToString() => $"network:{Network.Name}";
    }
}

/// <summary>Which labelled ends of a rule lie within its ruleset's scope.</summary>
public enum Within
{
    /// <summary>Intra-scope: both, in the same scope and compartment.</summary>
    Both,

    /// <summary>Extra-scope: the consumer.</summary>
    From,

    /// <summary>Extra-scope: the provider.</summary>
    To,
}

/// <summary>A scope: a selector, split into one compartment per combination of values of some keys.</summary>
/// <param name="Selector">Which workloads.</param>
/// <param name="Per">Keys that every member must have; two ends share a compartment if they agree on all of them. Sorted.</param>
public sealed record Scope(Selector Selector, EquatableArray<string> Per)
{
    /// <summary>Whether labels lie within it.</summary>
    public bool Contains(LabelSet labels)
    {
        foreach (var key in Per)
        {
            if (labels[key] is null)
            {
                return false;
            }
        }

        return Selector.Matches(labels);
    }

    /// <summary>The selector of the compartment that labels within this scope belong to.</summary>
    public Selector CompartmentOf(LabelSet labels) =>
        Selector.And(Selector.Of(Per.Select(key => new Requirement(key, RequirementKind.OneOf, [labels[key]!]))));
}

/// <summary>A checked rule.</summary>
public sealed record Rule
{
    /// <summary>Its identity.</summary>
    public required RuleId Id { get; init; }

    /// <summary>The consumer.</summary>
    public required RuleEnd From { get; init; }

    /// <summary>The provider.</summary>
    public required RuleEnd To { get; init; }

    /// <summary>What may be, or must not be, reached; never empty.</summary>
    public required EquatableArray<Service> Services { get; init; }

    /// <summary>What it does.</summary>
    public required RuleAction Action { get; init; }

    /// <summary>Which ends the scope binds.</summary>
    public Within Within { get; init; }

    /// <summary>Must own the consumer's socket; decidable outbound at the consumer only.</summary>
    public ProcessCondition? FromProcess { get; init; }

    /// <summary>Directory groups, sorted; the connecting user must be in one. Empty for any user. Decidable outbound at the consumer only.</summary>
    public EquatableArray<string> Users { get; init; }

    /// <summary>Whether the provider opens also to sources that cannot enforce the consumer's condition.</summary>
    public bool ConsumerBestEffort { get; init; }

    /// <summary>Whether a deny meets sockets that the kernel could not identify.</summary>
    public bool UnidentifiedMatches { get; init; }

    /// <summary>Whether hosts that cannot decide a deny go without it, instead of stopping provisioning.</summary>
    public bool SkipWhereUnenforceable { get; init; }

    /// <summary>When it stops to apply, or null.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Whether it asks something of the consumer's socket.</summary>
    public bool HasConsumerCondition => FromProcess is not null || Users.Count > 0;
}

/// <summary>A checked ruleset.</summary>
/// <param name="Name">Unique.</param>
/// <param name="Scopes">ORed; never empty.</param>
/// <param name="Rules">In id order.</param>
public sealed record Ruleset(string Name, EquatableArray<Scope> Scopes, EquatableArray<Rule> Rules);
