using System.Globalization;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Traffic;

/// <summary><c>GET /api/v1/policy/rules/{id}</c>: which workloads a rule in force touches, who goes without it, and which flows it decided.</summary>
public static class ShowRule
{
    private const int MostFlows = 1000;

    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api) =>
        api.MapGet("/policy/rules/{id}", Show).Requires(Permission.Read).WithSummary("What a rule in force touches, and the flows that it decided.");

    private static Results<Ok<RuleDetail>, ProblemResult> Show(string id, string? since, string? until, TrafficReader traffic, TimeProvider time)
    {
        var problems = new List<Diagnostic>();
        var snapshot = traffic.Current;
        var window = TrafficWindow.Parse(since, until, time.GetUtcNow(), problems);
        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        var compiled = snapshot.Enforced;
        if (!long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || RuleTouch.Of(compiled, new(number)) is not { } touch)
        {
            return new ProblemResult(Problems.NotFound("rule in force", id));
        }

        var picture = traffic.Read(window, snapshot);
        var flows = DecidedFlows.Of(new(number), picture.Sample.Edges.Select(seen => (seen, picture.EvaluatedBy(seen.Edge, TrafficView.Enforced)))).ToList();
        return TypedResults.Ok(new RuleDetail(
            number, compiled.Policy.Rulesets.First(ruleset => ruleset.Rules.Any(rule => rule.Id.Value == number)).Name,
            touch.Consumers is null ? null : Named(touch.Consumers, compiled), touch.Providers is null ? null : Named(touch.Providers, compiled), Named(touch.Hosts, compiled),
            [.. touch.Without.Select(gap => new RuleGap(Named(gap.Host, compiled), gap.Direction.ToString().ToLowerInvariant(), gap.Reason))],
            picture.Sample.From, picture.Sample.To, flows.Count,
            [.. flows.AsEnumerable().Reverse().Take(MostFlows).Select(decided => new RuleFlow(picture.ToFlow(decided.Flow), decided.AtConsumer, decided.AtProvider))]));
    }

    private static List<NamedWorkload> Named(IEnumerable<WorkloadId> ids, CompiledPolicy compiled) => [.. ids.Select(id => Named(id, compiled)).OrderBy(named => named.Name, StringComparer.Ordinal).ThenBy(named => named.Id)];

    private static NamedWorkload Named(WorkloadId id, CompiledPolicy compiled) => new(id.Value, compiled.Workloads.Find(id)!.Name);
}
