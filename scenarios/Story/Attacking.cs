using Bulkhead.Contracts.Rest;
using Bulkhead.Lab;

namespace Bulkhead.Scenarios.Story;

/// <summary>The intruder on the development web server, and what becomes of the attempts.</summary>
internal static class Attacking
{
    private static readonly TimeSpan DiesWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SeenWithin = TimeSpan.FromSeconds(60);

    public static async Task<string> EverythingReachedAsync(Stage stage, bool ipv6, CancellationToken cancellationToken)
    {
        var results = await Attack.RunAsync(stage.Lab, null, null, ipv6, cancellationToken);
        var failed = results.Where(r => r.Result.Outcome != ProbeOutcome.Connected).ToList();
        return failed.Count > 0
            ? throw new StoryException($"not reached: {Tell(failed)}")
            : $"{results[0].From} reaches {Tell(results)}";
    }

    public static async Task<string> FenceHoldsAsync(Stage stage, bool ipv6, CancellationToken cancellationToken)
    {
        var results = await Attack.RunAsync(stage.Lab, null, null, ipv6, cancellationToken);
        var wrong = results.Where(r => (r.Result.Outcome == ProbeOutcome.Connected) == Fenced(stage, r)).ToList();
        return wrong.Count > 0 ? throw new StoryException($"not as the policy says: {Tell(wrong)}") : Tell(results);
    }

    /// <summary>Opens a connection that the fence will forbid, and keeps it busy.</summary>
    public static async Task<HeldConnection> HoldForbiddenConnectionAsync(Stage stage, CancellationToken cancellationToken)
    {
        var attack = stage.Lab.Attacks.First(a => a.To.Daemon == "redis");
        return await HeldConnection.OpenAsync(stage.Lab[attack.From.Host], stage.Lab.FindService($"{attack.To.Host}/{attack.To.Daemon}"), ipv6: false, cancellationToken);
    }

    public static async Task<string> HeldConnectionDiesAsync(HeldConnection held, CancellationToken cancellationToken)
    {
        ConnectionDeath death;
        try
        {
            death = await held.Death.WaitAsync(DiesWithin, cancellationToken);
        }
        catch (TimeoutException)
        {
            throw new StoryException($"it still exchanges bytes {DiesWithin.TotalSeconds:0} s after the fence");
        }

        return death.How == ConnectionEnd.Silent
            ? throw new StoryException("it hangs instead of being reset")
            : $"ended by {(death.How == ConnectionEnd.Reset ? "a reset" : "a close")} after {death.Exchanges} exchanges";
    }

    public static async Task<string> BlocksAreOnTheMapAsync(Stage stage, CancellationToken cancellationToken)
    {
        var attacks = stage.Lab.Attacks.SelectMany(a => new[] { (Attack: a, Edge: Edge.Of(stage.Lab, a, ipv6: false)), (Attack: a, Edge: Edge.Of(stage.Lab, a, ipv6: true)) }).ToList();
        List<FlowEdge> blocked = [];
        List<FlowEdge> open = [];
        await Wait.UntilAsync(
            async () =>
            {
                var flows = (await Seen.FlowsAsync(stage, cancellationToken)).ToDictionary(Edge.Of);
                if (attacks.Where(a => !flows.ContainsKey(a.Edge)).Select(a => a.Edge).ToList() is { Count: > 0 } missing)
                {
                    return $"not on the map: {missing.Names(stage.Lab)}";
                }

                blocked = [.. attacks.Where(a => Fencing.IsFenced(stage.Lab[a.Attack.To.Host].Declaration.Labels)).Select(a => flows[a.Edge])];
                open = [.. attacks.Where(a => !Fencing.IsFenced(stage.Lab[a.Attack.To.Host].Declaration.Labels)).Select(a => flows[a.Edge])];
                var wrong = blocked.Where(f => f.Reported.Kind != VerdictKind.Blocked || f.BlockedConnections == 0)
                    .Concat(open.Where(f => f.Reported.Kind != VerdictKind.PotentiallyBlocked)).ToList();
                return wrong.Count == 0 ? null : string.Join("; ", wrong.Select(f => $"{Edge.Of(f).In(stage.Lab)} is shown as {f.Reported.Kind} ({f.Reported.Because})"));
            },
            SeenWithin,
            cancellationToken);
        return $"{blocked.Count} links blocked, such as: {blocked[0].Reported.Because}; {open.Count} links to payments not fenced, such as: {open[0].Reported.Because}";
    }

    public static async Task<string> ExplainAsync(Stage stage, CancellationToken cancellationToken)
    {
        var forbidden = await stage.Operator.AskAsync<Explanation>(cancellationToken, "explain", "dev-web1", "db1", "tcp/3306");
        var allowed = await stage.Operator.AskAsync<Explanation>(cancellationToken, "explain", "app1", "db1", "tcp/3306");
        return forbidden.Verdict.Kind != VerdictKind.Blocked || allowed.Verdict.Kind != VerdictKind.Allowed || allowed.Verdict.Destination?.RuleId is null
            ? throw new StoryException($"dev-web1 → db1 is {forbidden.Verdict.Kind} ({forbidden.Verdict.Because}), app1 → db1 is {allowed.Verdict.Kind} ({allowed.Verdict.Because})")
            : $"dev-web1 → db1: {forbidden.Verdict.Because}; app1 → db1: {allowed.Verdict.Because}";
    }

    private static bool Fenced(Stage stage, AttackResult result) => Fencing.IsFenced(stage.Lab[result.To.Split('/')[0]].Declaration.Labels);

    private static string Tell(IEnumerable<AttackResult> results) =>
        string.Join(", ", results.Select(r => $"{r.To} {r.Result.Outcome.ToString().ToLowerInvariant()}{(r.Result.Answer is { } answer ? $" ({answer})" : "")}"));
}
