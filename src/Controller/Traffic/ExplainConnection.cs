using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Services;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Traffic;

/// <summary>
/// <c>GET /api/v1/explain?from=&amp;to=&amp;port=&amp;view=</c>: what becomes of a connection, seen or not, and why. A seen one is judged by the
/// processes that were seen.
/// </summary>
public static class ExplainConnection
{
    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api) =>
        api.MapGet("/explain", Explain).RequireAuthorization(Roles.Viewer).WithSummary("Whether a connection passes, and which rule or default decides.");

    private static Results<Ok<Explanation>, ProblemResult> Explain(
        string? from, string? to, string? port, string? view, TrafficReader traffic, FlowStore store)
    {
        var problems = new List<Diagnostic>();
        var snapshot = traffic.Current;
        var match = ReadPort(port, problems);
        var which = QueryEnum.Parse<TrafficView>(view, "view", problems) ?? TrafficView.Enforced;
        var source = ReadEnd(from, "from", snapshot, problems);
        var destination = ReadEnd(to, "to", snapshot, problems);
        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        var pairs = Pairs(source, destination);
        if (pairs.Count == 0)
        {
            return new ProblemResult(Problems.Of(
                StatusCodes.Status422UnprocessableEntity, "no-common-family", $"'{from}' and '{to}' have no addresses of the same family.", "Name two ends that can reach each other over IPv4 or over IPv6."));
        }

        var number = IpProtocol.HasPorts(match.Protocol) || IpProtocol.IsIcmp(match.Protocol) ? match.First : (ushort)0;
        var seen = pairs.Select(pair => store.Find(pair.Source, pair.Destination, match.Protocol, number)).FirstOrDefault(edge => edge is not null);
        var picture = traffic.Judge(snapshot);
        var connection = new Connection(pairs[0].Source.Space, pairs[0].Source.Address, pairs[0].Destination.Address, match.Protocol, number, SocketFacts.Unrecorded, SocketFacts.Unrecorded);
        var worded = seen is not null
            ? picture.VerdictOn(seen, which)
            : picture.VerdictOn(
                connection,
                NamedEnd.Of(source.Workload, pairs[0].Source.ToString()), NamedEnd.Of(destination.Workload, pairs[0].Destination.ToString()), which);
        return TypedResults.Ok(new Explanation(
            source.Workload?.Name ?? from!, destination.Workload?.Name ?? to!, TrafficPicture.PortText(match.Protocol, number), which, worded.View,
            [.. new Explainer(new(picture.PolicyOf(which))).Explain(connection).Remedies.Select(remedy => remedy.Sentence)]));
    }

    private static PortMatch ReadPort(string? text, List<Diagnostic> problems)
    {
        var match = PortText.Parse(text, "port", problems);
        if (match is { } range && (range.IsAny || (range.First != range.Last && (IpProtocol.HasPorts(range.Protocol) || IpProtocol.IsIcmp(range.Protocol)))))
        {
            problems.Add(Diagnostic.Error("bad-port", "port", $"'{text}' is more than one port. A connection has one, such as tcp/443 or icmp/8."));
        }

        return match ?? default;
    }

    private static (Workload? Workload, IReadOnlyList<ScopedAddress> Addresses) ReadEnd(string? text, string path, LiveSnapshot snapshot, List<Diagnostic> problems)
    {
        text = text?.Trim() ?? "";
        if (IpAddress.TryParse(text, out var address))
        {
            var scoped = ScopedAddress.Of(address);
            return (snapshot.Workloads.Holder(scoped), [scoped]);
        }

        var named = Guid.TryParse(text, out var id) && snapshot.Workloads.Find(new(id)) is { } byId
            ? [byId]
            : snapshot.Workloads.Workloads.Where(workload => workload.Name == text).ToList();
        if (named.Count == 1)
        {
            return (named[0], named[0].Addresses);
        }

        problems.Add(named.Count == 0
            ? Diagnostic.Error("unknown-end", path, $"'{text}' is neither an address nor the name or id of a workload.")
            : Diagnostic.Error("ambiguous-name", path, $"There are {named.Count} workloads named '{text}'. Use an id: {string.Join(", ", named.Select(workload => workload.Id))}."));
        return (null, []);
    }

    /// <summary>Pairs of addresses that could talk, IPv4 first.</summary>
    private static List<(ScopedAddress Source, ScopedAddress Destination)> Pairs(
        (Workload? Workload, IReadOnlyList<ScopedAddress> Addresses) source, (Workload? Workload, IReadOnlyList<ScopedAddress> Addresses) destination) =>
        [.. from a in source.Addresses
            from b in destination.Addresses
            where a.Space == b.Space && a.Address.IsV6 == b.Address.IsV6
            orderby a.Address.IsV6
            select (a, b)];
}
