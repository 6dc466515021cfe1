using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Assertions;

/// <summary>One end of a counterexample.</summary>
/// <param name="Labels">A workload's labels; null for an address that is no workload's.</param>
/// <param name="Address">Its address.</param>
/// <param name="AddressMatters">Whether the verdict needs an address like this one, and no plan says that it has one; otherwise any would do.</param>
/// <param name="Network">If the address matters, the network of a deciding rule that it is in, or null.</param>
/// <param name="Process">What owns its socket; null if that does not matter.</param>
/// <param name="Live">The name of the real workload that this is; null for one that could exist.</param>
public sealed record CounterexampleEnd(LabelSet? Labels, IpAddress Address, bool AddressMatters, string? Network, ProcessCondition? Process, string? Live)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        var who = Labels is null ? Address.ToString() : Labels.Labels.Length == 0 ? "a workload without labels" : Labels.ToString();
        return $"{who}{(Live is null ? "" : $" ({Live})")}{(AddressMatters && Labels is not null ? $" at {Address}" : "")}{(Process is null ? "" : $" [{Process}]")}";
    }
}

/// <summary>What one end decides by the letter of the policy: as if it were managed, able to decide everything and in full.</summary>
/// <param name="Direction">Which end.</param>
/// <param name="Passes">Whether it lets the connection pass.</param>
/// <param name="Rule">The deciding rule; null if an opening or the default decides.</param>
/// <param name="Because">What decides, in a few words.</param>
public sealed record LetterDecision(Direction Direction, bool Passes, RuleId? Rule, string Because);

/// <summary>One connection, between workloads that could exist, that an assertion does not put up with.</summary>
/// <param name="Consumer">Who connects.</param>
/// <param name="Provider">Who serves.</param>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Port">Destination port, or ICMP type.</param>
/// <param name="Users">Groups of the connecting user; empty if that does not matter.</param>
/// <param name="Outbound">The consumer's decision.</param>
/// <param name="Inbound">The provider's decision.</param>
public sealed record Counterexample(
    CounterexampleEnd Consumer,
    CounterexampleEnd Provider,
    byte Protocol,
    ushort Port,
    EquatableArray<string> Users,
    LetterDecision Outbound,
    LetterDecision Inbound)
{
    /// <summary>The port as in policy.</summary>
    public string PortText =>
        PortMatch.TryCreate(Protocol, Port, Port, out var match) ? match.ToString() : IpProtocol.NameOf(Protocol);

    /// <summary>
    /// Its workloads, consumer first, made up so that the evaluator judges them as the letter does: managed, with every feature, both directions
    /// in full. An end that is no workload makes none. Ids and names stand for themselves.
    /// </summary>
    public IReadOnlyList<Workload> ToWorkloads() =>
        [.. new[] { Make(Consumer, "consumer", 1), Make(Provider, "provider", 2) }.OfType<Workload>()];

    /// <summary>The connection, as the evaluator judges it.</summary>
    public Connection ToConnection() =>
        new(AddressSpace.Default, Consumer.Address, Provider.Address, Protocol, Port, Facts(Consumer, Users), Facts(Provider, []));

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Consumer} → {Provider} on {PortText}{(Users.Count == 0 ? "" : $" by a user in {string.Join(", ", Users)}")}";

    private static SocketFacts Facts(CounterexampleEnd end, EquatableArray<string> users) => SocketFacts.Of(end.Process?.Path, end.Process?.Unit, users);

    private static Workload? Make(CounterexampleEnd end, string name, int id) => end.Labels is null ? null : new()
    {
        Id = new(new Guid(id, 0, 0, new byte[8])),
        Name = name,
        Labels = end.Labels,
        Addresses = [ScopedAddress.Of(end.Address)],
        Managed = true,
        Features = Features.All.ToEquatableArray(),
        Pin = new(EnforcementMode.Full, EnforcementMode.Full),
    };
}
