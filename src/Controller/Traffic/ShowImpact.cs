using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Microsoft.AspNetCore.Http.HttpResults;
using VerdictKind = Bulkhead.Policy.Evaluate.VerdictKind;

namespace Bulkhead.Controller.Traffic;

/// <summary><c>GET /api/v1/policy/draft/impact</c>: what provisioning the draft would do to the traffic of a window.</summary>
public static class ShowImpact
{
    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api) =>
        api.MapGet("/policy/draft/impact", Show).Requires(Permission.Read).WithSummary("What provisioning the draft would block and allow of what was seen.");

    private static Results<Ok<DraftImpact>, ProblemResult> Show(string? since, string? until, TrafficReader traffic, TimeProvider time)
    {
        var problems = new List<Diagnostic>();
        var snapshot = traffic.Current;
        var window = TrafficWindow.Parse(since, until, time.GetUtcNow(), problems);
        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        return snapshot.DraftPolicy.Model.Ok
            ? TypedResults.Ok(Of(traffic.Read(window, snapshot)))
            : new ProblemResult(Problems.Conflict("draft-invalid", "The draft has problems, so it has no impact yet.", "Mend them first.", snapshot.DraftPolicy.Model.Diagnostics));
    }

    /// <summary>The impact on a picture.</summary>
    public static DraftImpact Of(TrafficPicture picture)
    {
        var (blocked, allowed) = (new List<FlowEdge>(), new List<FlowEdge>());
        foreach (var seen in picture.Sample.Edges)
        {
            var now = picture.KindOf(seen.Edge, TrafficView.Enforced) == VerdictKind.Blocked;
            var then = picture.KindOf(seen.Edge, TrafficView.Draft) == VerdictKind.Blocked;
            if (now != then)
            {
                (then ? blocked : allowed).Add(picture.ToFlow(seen));
            }
        }

        var draft = picture.PolicyOf(TrafficView.Draft);
        return new(
            picture.Sample.From, picture.Sample.To, picture.Sample.Edges.Count, blocked, allowed,
            HostsChanged(picture.PolicyOf(TrafficView.Enforced), draft), [.. draft.LeftOut.Select(left => ToView(left, draft))]);
    }

    private static IReadOnlyList<string> HostsChanged(CompiledPolicy enforced, CompiledPolicy draft) =>
        ReferenceEquals(enforced, draft) ? [] : [.. draft.Workloads.Workloads
            .Where(workload => draft.Hosts.TryGetValue(workload.Id, out var then)
                && !(enforced.Hosts.TryGetValue(workload.Id, out var now) && now.EnforcesSameAs(then)))
            .Select(workload => workload.Name)
            .Order(StringComparer.Ordinal)];

    private static DiagnosticView ToView(LeftOut left, CompiledPolicy draft)
    {
        var ruleset = draft.Policy.Rulesets.First(set => set.Rules.Any(rule => rule.Id == left.Rule));
        return Diagnostic.Warning("left-out", $"rulesets[{ruleset.Name}].rules[id={left.Rule}]", left.Reason).ToView();
    }
}
