using System.Collections.Immutable;
using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using VerdictKind = Bulkhead.Policy.Evaluate.VerdictKind;

namespace Bulkhead.Bench.Matrix;

/// <summary>What should become of connections, by the controller's inventory and the policy's text; hosts' own policies are not looked at.</summary>
internal sealed class Oracle
{
    private readonly PolicyEvaluator _evaluator;

    private Oracle(PolicyEvaluator evaluator) => _evaluator = evaluator;

    /// <summary>By the controller's inventory and a policy.</summary>
    public static Oracle Of(IReadOnlyList<WorkloadView> inventory, PolicyDocument policy)
    {
        var parsed = PolicyParser.Parse(policy, LabelText.BuiltInKeys.ToImmutableSortedSet(StringComparer.Ordinal));
        var model = parsed.Value ?? throw new BenchException(string.Join("; ", parsed.Diagnostics.Select(d => $"{d.Path}: {d.Message}")));
        // What is probed with is no process of the hosts', so no condition is drawn, and no feature asked for.
        return new(new(PolicyCompiler.Compile(model, new(inventory.Select(ToWorkload)), new(new(1, 1), TimeProvider.System.GetUtcNow(), []))));
    }

    /// <summary>Whether a connection should pass.</summary>
    public bool Passes(Probe probe) => _evaluator.Judge(Connection(probe)).Kind switch
    {
        VerdictKind.Blocked => false,
        VerdictKind.Unknown => throw new BenchException($"{probe}: the verdict is unknown"),
        _ => true,
    };

    /// <summary>What decided, for people.</summary>
    public string Explain(Probe probe) => $"{_evaluator.Judge(Connection(probe))}";

    private static Connection Connection(Probe probe) => new(
        AddressSpace.Default, Address(probe.From.Address(probe.IsV6)), Address(probe.To.Address(probe.IsV6)),
        probe.Target.ProtocolIn(probe.IsV6), probe.Target.RulePort(probe.IsV6), SocketFacts.Unidentified, SocketFacts.Unidentified);

    private static IpAddress Address(System.Net.IPAddress address) =>
        IpAddress.TryRead(address.GetAddressBytes(), out var read) ? read : throw new BenchException($"{address} is no address");

    private static Workload ToWorkload(WorkloadView view) => new()
    {
        Id = new(view.Id),
        Name = view.Name,
        Labels = LabelSet.Of(view.Labels.Select(pair => new Label(pair.Key, pair.Value))),
        Addresses = view.Addresses.Select(text => ScopedAddress.Of(IpAddress.Parse(text))).Order().ToEquatableArray(),
        Managed = view.Managed,
        Features = [Features.Base],
        Quarantined = view.Quarantined,
    };
}
