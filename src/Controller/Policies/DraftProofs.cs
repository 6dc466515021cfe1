using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Traffic;
using Bulkhead.Policy;
using Bulkhead.Policy.Assertions;
using Bulkhead.Policy.Effects;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Health;
using Bulkhead.Policy.Rules;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Policies;

/// <summary>What can be proven of the draft: its assertions, the health of its rules, and what it newly allows and blocks by the letter.</summary>
public static class DraftProofs
{
    /// <summary>Maps them.</summary>
    public static void Map(RouteGroupBuilder policy)
    {
        policy.MapGet("/draft/assertions", Assertions).Requires(Permission.Read).WithSummary("The draft's assertions, decided for every workload that could exist.");
        policy.MapGet("/draft/health", Health).Requires(Permission.Read).WithSummary("Rules of the draft that do nothing, less than they say, or more than is needed.");
        policy.MapGet("/draft/effects", Effects).Requires(Permission.Read).WithSummary("What the draft newly allows and blocks, for every workload that could exist.");
    }

    private static Results<Ok<IReadOnlyList<AssertionView>>, ProblemResult> Assertions(LiveState live) => live.Current is var snapshot && snapshot.DraftPolicy.Model.Ok
        ? TypedResults.Ok<IReadOnlyList<AssertionView>>([.. snapshot.DraftProofs.Select(View)])
        : Invalid(snapshot);

    private static Results<Ok<RuleHealthView>, ProblemResult> Health(string? since, string? until, TrafficReader traffic, TimeProvider time)
    {
        var problems = new List<Diagnostic>();
        var now = time.GetUtcNow();
        var window = TrafficWindow.Parse(since, until, now, problems);
        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        var snapshot = traffic.Current;
        if (snapshot.DraftPolicy.Model.Value is not { } model)
        {
            return Invalid(snapshot);
        }

        var picture = traffic.Read(window, snapshot);
        var report = RuleHealth.Check(new()
        {
            Policy = model,
            Now = now,
            Workloads = snapshot.Workloads,
            LeftOut = snapshot.Draft.LeftOut,
            Observed = new(picture.Sample.From, picture.Sample.To, [.. picture.Sample.Edges.Select(seen => Observed(picture, seen.Edge))]),
        });
        return TypedResults.Ok(new RuleHealthView(
            picture.Sample.From, picture.Sample.To, picture.Sample.Edges.Count, [.. report.Findings.Select(View)], [.. report.Undecided.Select(rule => rule.Value)]));
    }

    private static Results<Ok<DraftEffects>, ProblemResult> Effects(LiveState live, TimeProvider time)
    {
        var snapshot = live.Current;
        if (snapshot.DraftPolicy.Model.Value is not { } model)
        {
            return Invalid(snapshot);
        }

        return TypedResults.Ok(new DraftEffects(
            EffectsOf(snapshot.Provisioned.Model, model, time.GetUtcNow(), inForce: true), EffectsOf(snapshot.Provisioned.Model, model, time.GetUtcNow(), inForce: false)));
    }

    /// <summary>What a policy in place of another newly allows and blocks.</summary>
    internal static EffectList EffectsOf(PolicyModel before, PolicyModel after, DateTimeOffset now, bool inForce)
    {
        var report = PolicyEffects.Compare(before, after, now, inForce: inForce);
        return new(
            [.. report.Effects.Select(effect => new EffectView(
                effect.Kind is EffectKind.NewlyAllowed or EffectKind.NewlyExpected,
                effect.Connections,
                [.. effect.Rules.Select(rule => rule.Value)],
                effect.Message,
                effect.Kind is EffectKind.NewlyExpected or EffectKind.NoLongerExpected))],
            report.IsComplete);
    }

    private static ObservedConnection Observed(TrafficPicture picture, Storage.Flows.Edge edge)
    {
        var verdict = picture.EvaluatedBy(edge, TrafficView.Draft);
        var rules = new[] { verdict.Source, verdict.Destination }.OfType<EndDecision>().Select(end => end.Rule).OfType<RuleId>();
        return new(picture.End(edge.Source).Workload?.Labels, picture.End(edge.Destination).Workload?.Labels, edge.Protocol, edge.Port, rules.ToEquatableArray());
    }

    private static ProblemResult Invalid(LiveSnapshot snapshot) =>
        new(Problems.Conflict("draft-invalid", "The draft has problems, so nothing can be proven of it yet.", "Mend them first.", snapshot.DraftPolicy.Model.Diagnostics));

    private static AssertionView View(AssertionResult result) => new(
        result.Assertion.Name,
        result.Assertion.Kind == AssertionKind.Never ? "never" : "must",
        result.Status switch
        {
            AssertionStatus.Held => AssertionState.Held,
            AssertionStatus.Unproven => AssertionState.Unproven,
            AssertionStatus.Conditional => AssertionState.Conditional,
            AssertionStatus.Violated => AssertionState.Violated,
            _ => AssertionState.Undecided,
        },
        result.Message,
        result.Counterexample?.ToString(),
        [.. new[] { result.Counterexample?.Outbound.Rule, result.Counterexample?.Inbound.Rule }.OfType<RuleId>().Distinct().Select(rule => rule.Value)],
        result.NotYetEnforcedCount,
        [.. result.NotYetEnforced.Select(gap => gap.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]);

    private static RuleFindingView View(RuleFinding finding) => new(
        finding.ToDiagnostic().Code, finding.Rule.Value, finding.Path, finding.Message, [.. finding.Others.Select(rule => rule.Value)], [.. finding.Evidence]);
}
