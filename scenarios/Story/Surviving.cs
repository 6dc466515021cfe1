using System.Net;
using Bulkhead.Lab;

namespace Bulkhead.Scenarios.Story;

/// <summary>What goes on working, and what stays shut, while parts of Bulkhead die.</summary>
internal static class Surviving
{
    private static readonly TimeSpan ProbeEvery = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan BackWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan HttpTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Real HTTP requests from a customer, which the application answers out of the database and the cache.</summary>
    public static async Task<string> ShopWorksAsync(Stage stage, CancellationToken cancellationToken)
    {
        using var customer = stage.Lab["client1"].CreateHttpClient(HttpTimeout);
        var answers = new List<string>();
        foreach (var web in new[] { stage.Lab["web1"], stage.Lab["web2"] })
        {
            foreach (var address in new[] { web.Ipv4.ToString(), $"[{web.Ipv6}]" })
            {
                using var answer = await customer.GetAsync(new Uri($"http://{address}/"), cancellationToken);
                var body = await answer.Content.ReadAsStringAsync(cancellationToken);
                answers.Add(answer.StatusCode == HttpStatusCode.OK ? body.Trim() : throw new StoryException($"{web.Name} answers {(int)answer.StatusCode}: {body}"));
            }
        }

        return $"{answers.Count} requests answered, such as: {answers[0].ReplaceLineEndings(" ")}";
    }

    /// <summary>Kills every agent, then the controller, and starts them again, under continuous probing.</summary>
    public static async Task<string> KillsAsync(Stage stage, Narrator narrator, CancellationToken cancellationToken)
    {
        var before = await TablesAsync(stage, cancellationToken);
        using var probe = ContinuousProbe.Start(Pairs(stage.Lab), ProbeEvery, ProbeTimeout);
        narrator.Progress("killing every agent");
        await stage.Lab.Agents.KillAsync(null, cancellationToken);
        await Attacking.FenceHoldsAsync(stage, ipv6: false, cancellationToken);
        narrator.Progress("killing the controller");
        await stage.Controller.KillAsync(cancellationToken);
        await Attacking.FenceHoldsAsync(stage, ipv6: true, cancellationToken);
        await ShopWorksAsync(stage, cancellationToken);
        narrator.Progress("starting agents without a controller");
        await stage.Lab.Agents.StartAsync(null, null, cancellationToken);
        await Attacking.FenceHoldsAsync(stage, ipv6: false, cancellationToken);
        narrator.Progress("starting the controller");
        await stage.Controller.StartAsync(cancellationToken);
        await stage.AllSyncedAsync(BackWithin, cancellationToken);
        var after = await TablesAsync(stage, cancellationToken);
        var seen = await probe.StopAsync();
        var violations = seen.Where(s => s.Violations > 0).Select(s => $"{s.From} → {s.To} {(s.Allowed ? "refused" : "made")} {s.Violations} times, first at {s.FirstViolations[0].At:T} ({s.FirstViolations[0].Result.Outcome})").ToList();
        return violations.Count > 0 ? throw new StoryException(string.Join("; ", violations))
            : before.FirstOrDefault(table => after[table.Key] != table.Value) is { Key: { } host } ? throw new StoryException($"the kernel of {host} enforces something else than before:\n{after[host]}")
            : $"{seen.Where(s => s.Allowed).Sum(s => s.Attempts)} allowed connections all made, {seen.Where(s => !s.Allowed).Sum(s => s.Attempts)} forbidden ones all refused; {after.Count} hosts with the same table as before";
    }

    /// <summary>The connections that must be refused because they come from outside the fence, and those that must succeed because the application needs them.</summary>
    public static List<ProbePair> Pairs(RunningLab lab)
    {
        ProbePair Pair(Link link, bool ipv6, bool allowed)
        {
            var service = lab.FindService($"{link.To.Host}/{link.To.Daemon}");
            return new(lab[link.From.Host], service.EndPoint(ipv6), allowed);
        }

        var forbidden = lab.Attacks.Where(a => Fencing.IsFenced(lab[a.To.Host].Declaration.Labels)).SelectMany(a => new[] { Pair(a, false, false), Pair(a, true, false) });
        var allowed = lab.Links.Where(l => l.Protocol == "tcp" && l.To.Host != DaemonRef.Controller && Fencing.IsFenced(lab[l.To.Host].Declaration.Labels))
            .DistinctBy(l => (l.From.Host, l.To.Host, l.Port)).Select(l => Pair(l, l.Ipv6, true));
        return [.. forbidden, .. allowed];
    }

    /// <summary>What the kernels enforce, without counters. nft lists chains and the elements of hash sets in no fixed order, so each table is put in one.</summary>
    private static async Task<Dictionary<string, string>> TablesAsync(Stage stage, CancellationToken cancellationToken)
    {
        var tables = new Dictionary<string, string>();
        foreach (var host in stage.Lab.Hosts)
        {
            var listed = await host.RunAsync(["nft", "--stateless", "list", "table", "inet", "bulkhead"], cancellationToken);
            tables[host.Name] = listed.ExitCode == 0 ? InOrder(listed.Output) : throw new StoryException($"{host.Name} has no table: {listed.Error}");
        }

        return tables;
    }

    private static string InOrder(string table)
    {
        var blocks = table.Split("\n\n").Select(block => block.Contains("elements = {", StringComparison.Ordinal)
            ? string.Join(' ', block.Split([' ', ',', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal))
            : block.Trim('\n', '}'));
        return string.Join('\n', blocks.Order(StringComparer.Ordinal));
    }
}
