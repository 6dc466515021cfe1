using System.Globalization;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Services;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Traffic;

/// <summary><c>GET /api/v1/flows</c>: edges, the newest first.</summary>
public static class ListFlows
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api) =>
        api.MapGet("/flows", List).Requires(Permission.Read).WithSummary("What was seen, an edge at a time; the edges first seen last come first.");

    private static Results<Ok<Page<FlowEdge>>, ProblemResult> List([AsParameters] FlowQuery query, TrafficReader traffic, TimeProvider time)
    {
        var problems = new List<Diagnostic>();
        var snapshot = traffic.Current;
        var filter = FlowFilter.Parse(query, snapshot, problems);
        var window = TrafficWindow.Parse(query.Since, query.Until, time.GetUtcNow(), problems);
        var size = query.Limit ?? DefaultLimit;
        if (size is < 1 or > MaxLimit)
        {
            problems.Add(Diagnostic.Error("bad-limit", "limit", $"The limit is a number from 1 to {MaxLimit}."));
        }

        var after = int.MaxValue;
        if (query.After is not null && !int.TryParse(query.After, NumberStyles.None, CultureInfo.InvariantCulture, out after))
        {
            problems.Add(Diagnostic.Error("bad-cursor", "after", "Write the 'next' of the page before, or leave it out for the first page."));
        }

        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        var picture = traffic.Read(window, snapshot);
        var matching = picture.Sample.Edges.Where(seen => filter!.Matches(seen.Edge, picture)).Reverse().ToList();
        var page = matching.Where(seen => seen.Edge.Id < after).Take(size + 1).ToList();
        var next = page.Count > size ? page[size - 1].Edge.Id.ToString(CultureInfo.InvariantCulture) : null;
        return TypedResults.Ok(new Page<FlowEdge>([.. page.Take(size).Select(picture.ToFlow)], matching.Count, next));
    }
}

/// <summary>What to list.</summary>
/// <param name="From">A selector for the consumer.</param>
/// <param name="To">A selector for the provider.</param>
/// <param name="Port">As <c>tcp/443</c>, <c>tcp/8000-8100</c>, <c>udp</c>.</param>
/// <param name="Verdict">Only edges to which the view gives this verdict.</param>
/// <param name="View">Whose verdict; what the kernels did unless it is said.</param>
/// <param name="Process">Part of a process' path, name or unit at either end.</param>
/// <param name="Since">A time, or an age such as 15m; a day ago unless it is said.</param>
/// <param name="Until">A time or an age; now unless it is said.</param>
/// <param name="After">The <c>next</c> of the page before.</param>
/// <param name="Limit">At most this many.</param>
public sealed record FlowQuery(
    string? From, string? To, string? Port, string? Verdict, string? View, string? Process, string? Since, string? Until, string? After, int? Limit);

/// <summary>A checked <see cref="FlowQuery"/>.</summary>
internal sealed record FlowFilter(Selector? From, Selector? To, PortMatch Port, Policy.Evaluate.VerdictKind? Verdict, TrafficView View, string? Process)
{
    public static FlowFilter? Parse(FlowQuery query, LiveSnapshot snapshot, List<Diagnostic> problems)
    {
        var before = problems.Count;
        var from = query.From is null ? null : SelectorText.Parse(query.From, "from", snapshot.LabelKeys, problems);
        var to = query.To is null ? null : SelectorText.Parse(query.To, "to", snapshot.LabelKeys, problems);
        var port = query.Port is null ? PortMatch.Any : PortText.Parse(query.Port, "port", problems);
        var verdict = QueryEnum.Parse<Policy.Evaluate.VerdictKind>(query.Verdict, "verdict", problems);
        var view = QueryEnum.Parse<TrafficView>(query.View, "view", problems) ?? TrafficView.Reported;
        return problems.Count > before ? null : new(from, to, port!.Value, verdict, view, string.IsNullOrWhiteSpace(query.Process) ? null : query.Process.Trim());
    }

    public bool Matches(Edge edge, TrafficPicture picture) =>
        Port.Matches(edge.Protocol, edge.Port)
        && Chooses(From, picture.End(edge.Source).Workload)
        && Chooses(To, picture.End(edge.Destination).Workload)
        && (Process is null || Mentions(edge.At(FlowSide.Source).Processes, Process) || Mentions(edge.At(FlowSide.Destination).Processes, Process))
        && (Verdict is null || picture.KindOf(edge, View) == Verdict);

    private static bool Chooses(Selector? selector, Workload? workload) => selector is null || (workload is not null && selector.Matches(workload.Labels));

    private static bool Mentions(ProcessSet processes, string text) => processes.Members.Any(member => member.Seen is { } seen
        && (Contains(seen.Path, text) || Contains(seen.Name, text) || Contains(seen.Unit, text)));

    private static bool Contains(string name, string text) => name.Contains(text, StringComparison.OrdinalIgnoreCase);
}

/// <summary>Reads the camelCase names of enumerations in queries.</summary>
internal static class QueryEnum
{
    public static T? Parse<T>(string? text, string path, ICollection<Diagnostic> problems)
        where T : struct, Enum
    {
        if (text is null)
        {
            return null;
        }

        foreach (var value in Enum.GetValues<T>())
        {
            if (NameOf(value) == text)
            {
                return value;
            }
        }

        problems.Add(Diagnostic.Error("bad-value", path, $"'{text}' is not one of {string.Join(", ", Enum.GetValues<T>().Select(NameOf))}."));
        return null;
    }

    private static string NameOf<T>(T value)
        where T : struct, Enum => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}
