using System.Buffers.Text;
using System.Text;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy;
using Bulkhead.Policy.Labels;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Workloads;

/// <summary><c>GET /api/v1/workloads?select=&amp;q=&amp;after=&amp;limit=</c>, by name.</summary>
public static class ListWorkloads
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder workloads) =>
        workloads.MapGet("", List).Requires(Permission.Read).WithSummary("Workloads by name, a page at a time.");

    private static Results<Ok<Page<WorkloadView>>, ProblemResult> List(string? select, string? q, string? after, int? limit, LiveState live, WorkloadViews views)
    {
        var snapshot = live.Current;
        var problems = new List<Diagnostic>();
        var selector = select is null ? Selector.All : SelectorText.Parse(select, "select", snapshot.LabelKeys, problems);
        var size = limit ?? DefaultLimit;
        if (size is < 1 or > MaxLimit)
        {
            problems.Add(Diagnostic.Error("bad-limit", "limit", $"The limit is a number from 1 to {MaxLimit}."));
        }

        if (!TryRead(after, out var from))
        {
            problems.Add(Diagnostic.Error("bad-cursor", "after", "Write the 'next' of the page before, or leave it out for the first page."));
        }

        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        var matching = snapshot.Entries.Values
            .Where(entry => selector!.Matches(entry.Workload.Labels) && Mentions(entry, q))
            .OrderBy(entry => entry.Workload.Name, StringComparer.Ordinal).ThenBy(entry => entry.Workload.Id)
            .ToList();
        var page = matching.Where(entry => Compare(entry, from) > 0).Take(size + 1).ToList();
        var more = page.Count > size;
        return TypedResults.Ok(new Page<WorkloadView>(
            [.. page.Take(size).Select(entry => views.Of(entry, snapshot))], matching.Count, more ? Write(page[size - 1]) : null));
    }

    private static bool Mentions(WorkloadEntry entry, string? text) =>
        string.IsNullOrWhiteSpace(text)
        || entry.Workload.Name.Contains(text.Trim(), StringComparison.OrdinalIgnoreCase)
        || entry.Workload.Labels.Labels.Any(label => label.ToString().Contains(text.Trim(), StringComparison.OrdinalIgnoreCase))
        || entry.Workload.Addresses.Any(address => address.ToString().Contains(text.Trim(), StringComparison.OrdinalIgnoreCase));

    private static int Compare(WorkloadEntry entry, (string Name, Guid Id) from) =>
        string.CompareOrdinal(entry.Workload.Name, from.Name) is var order and not 0 ? order : entry.Workload.Id.Value.CompareTo(from.Id);

    private static string Write(WorkloadEntry last) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"{last.Workload.Id} {last.Workload.Name}"));

    private static bool TryRead(string? cursor, out (string Name, Guid Id) from)
    {
        from = ("", Guid.Empty);
        if (cursor is null)
        {
            return true;
        }

        if (!Base64Url.IsValid(cursor))
        {
            return false;
        }

        var text = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor));
        var space = text.IndexOf(' ');
        if (space < 0 || !Guid.TryParse(text.AsSpan(0, space), out var id))
        {
            return false;
        }

        from = (text[(space + 1)..], id);
        return true;
    }
}
