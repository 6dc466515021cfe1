using System.Collections.Immutable;
using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Rest;
using Bulkhead.Lab;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Bench.Matrix;

/// <summary>What should become of connections, by the controller's inventory and the policy's text; hosts' own policies are not looked at.</summary>
internal sealed class Oracle
{
    private readonly PolicyEvaluator _evaluator;
    private readonly PolicyDocument _policy;
    private readonly RunningLab _lab;
    private readonly RuleKind _kind;

    private Oracle(PolicyEvaluator evaluator, PolicyDocument policy, RunningLab lab, RuleKind kind) => (_evaluator, _policy, _lab, _kind) = (evaluator, policy, lab, kind);

    /// <summary>By the controller's inventory and a policy.</summary>
    /// <param name="inventory">Its workloads.</param>
    /// <param name="policy">The text.</param>
    /// <param name="lab">Who is in which group.</param>
    /// <param name="kind">What rules may ask of sockets.</param>
    public static Oracle Of(IReadOnlyList<WorkloadDetail> inventory, PolicyDocument policy, RunningLab lab, RuleKind kind)
    {
        var parsed = PolicyParser.Parse(policy, LabelText.BuiltInKeys.ToImmutableSortedSet(StringComparer.Ordinal));
        var model = parsed.Value ?? throw new BenchException(string.Join("; ", parsed.Diagnostics.Select(d => $"{d.Path}: {d.Message}")));
        return new(new(PolicyCompiler.Compile(model, new(inventory.Select(ToWorkload)), new(new(1, 1), TimeProvider.System.GetUtcNow(), []))), policy, lab, kind);
    }

    /// <summary>Whether it should pass.</summary>
    public bool Passes(Probe probe)
    {
        var verdict = _evaluator.Judge(Connection(probe, probe.Target.AddressOf(probe.To, probe.IsV6)));
        if (probe.Target.Reach != Reach.Host)
        {
            // Nobody is at a group's address; what comes to a member is judged there as if it were for the member alone.
            var atMember = _evaluator.Judge(Connection(probe, probe.To.Address(probe.IsV6))).Destination!;
            return Certain(probe, verdict.Source!) != Outcome.Block && Certain(probe, atMember) != Outcome.Block;
        }

        var (source, destination) = (Certain(probe, verdict.Source!), Certain(probe, verdict.Destination!));
        // What does not begin a connection is dropped where anything is enforced, whatever the rules say, and passes elsewhere.
        return probe.Target.Begins
            ? source != Outcome.Block && destination != Outcome.Block
            : verdict.Source!.Mode == EnforcementMode.Visibility && verdict.Destination!.Mode == EnforcementMode.Visibility;
    }

    /// <summary>What decided, for people.</summary>
    public string Explain(Probe probe)
    {
        var verdict = _evaluator.Judge(Connection(probe, probe.Target.AddressOf(probe.To, probe.IsV6)));
        return $"{verdict.Kind}; {Explain(verdict.Source)}; {Explain(verdict.Destination)}";
    }

    private string Explain(EndDecision? end) => end is null ? "nobody judges"
        : $"{end.Direction} {end.Mode}: {end.Outcome} by {(end.Rule is { } rule ? Text(rule.Value) : end.By)}";

    private string Text(long id) => _policy.Rulesets.SelectMany(ruleset => ruleset.Rules, (ruleset, rule) => (ruleset, rule)).Where(found => found.rule.Id == id).Select(found =>
        $"rule {id} of {string.Join(" or ", found.ruleset.Scopes.Select(scope => $"{scope.Selector} per {string.Join(',', scope.Per)}"))}: {found.rule.Action} {found.rule.From} → {found.rule.To} within {found.rule.Within} "
        + $"{string.Join(',', found.rule.Services)} process {found.rule.FromProcess?.Path} {found.rule.FromProcess?.Unit} users {string.Join(',', found.rule.Users)} unidentified {found.rule.Unidentified}").Single();

    private static Outcome Certain(Probe probe, EndDecision end) => end.Outcome == Outcome.Unknown ? throw new BenchException($"{probe}: the verdict is unknown") : end.Outcome;

    private Connection Connection(Probe probe, System.Net.IPAddress to) => new(
        AddressSpace.Default, Address(probe.From.Address(probe.IsV6)), Address(to), probe.Target.ProtocolIn(probe.IsV6), probe.Target.RulePort(probe.IsV6),
        probe.By?.Facts(_lab, _kind) ?? Identity.Stranger(_kind), Identity.Serving(probe.Target.Port)?.Facts(_lab, _kind) ?? Identity.Stranger(_kind));

    private static IpAddress Address(System.Net.IPAddress address) =>
        IpAddress.TryRead(address.GetAddressBytes(), out var read) ? read : throw new BenchException($"{address} is no address");

    private static Workload ToWorkload(WorkloadDetail detail) => new()
    {
        Id = new(detail.Workload.Id),
        Name = detail.Workload.Name,
        Labels = LabelSet.Of(detail.Workload.Labels.Select(pair => new Label(pair.Key, pair.Value))),
        Addresses = detail.Workload.Addresses.Select(text => ScopedAddress.Of(IpAddress.Parse(text))).Order().ToEquatableArray(),
        Managed = detail.Workload.Managed,
        Features = detail.Features.Order(StringComparer.Ordinal).ToEquatableArray(),
        Quarantined = detail.Workload.Quarantined,
    };
}
