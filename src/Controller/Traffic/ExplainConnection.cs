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
/// processes that were seen, unless the question names others.
/// </summary>
public static class ExplainConnection
{
    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api) =>
        api.MapGet("/explain", Explain).Requires(Permission.Read).WithSummary("Whether a connection passes, and which rule or default decides.");

    private static Results<Ok<Explanation>, ProblemResult> Explain([AsParameters] ExplainQuery query, TrafficReader traffic, FlowStore store)
    {
        var problems = new List<Diagnostic>();
        var snapshot = traffic.Current;
        var match = ReadPort(query.Port, problems);
        var which = QueryEnum.Parse<TrafficView>(query.View, "view", problems) ?? TrafficView.Enforced;
        var source = ReadEnd(query.From, "from", snapshot, problems);
        var destination = ReadEnd(query.To, "to", snapshot, problems);
        var consumer = ReadSocket(query.Process, "process", query.Unit, query.UserGroup ?? [], query.Unidentified ?? false, problems);
        var provider = ReadSocket(query.ServingProcess, "servingProcess", query.ServingUnit, [], false, problems);
        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        var number = IpProtocol.HasPorts(match.Protocol) || IpProtocol.IsIcmp(match.Protocol) ? match.First : (ushort)0;
        var meetings = Meeting.All(source.Addresses, destination.Addresses.Select(address => (address, number))).OrderBy(meeting => meeting.Source.Address.IsV6).ToList();
        if (meetings.Count == 0)
        {
            return new ProblemResult(Problems.Of(
                StatusCodes.Status422UnprocessableEntity, "no-common-family", $"'{query.From}' and '{query.To}' have no addresses of the same family.", "Name two ends that can reach each other over IPv4 or over IPv6."));
        }

        var picture = traffic.Judge(snapshot);
        var explainer = new Explainer(new(picture.PolicyOf(which)));
        var different = meetings.Select(meeting =>
            {
                var connection = new Connection(meeting.Source.Space, meeting.Source.Address, meeting.Destination.Address, match.Protocol, number, consumer ?? SocketFacts.Unrecorded, provider ?? SocketFacts.Unrecorded);
                var worded = consumer is null && provider is null && store.Find(meeting.Source, meeting.Destination, match.Protocol, number) is { } seen
                    ? picture.VerdictOn(seen, which)
                    : picture.VerdictOn(connection, NamedEnd.Of(source.Workload, meeting.Source.ToString()), NamedEnd.Of(destination.Workload, meeting.Destination.ToString()), which);
                return new ExplainedPair(meeting.Source.ToString(), meeting.Destination.ToString(), worded.View, [.. explainer.Explain(connection).Remedies.Select(remedy => remedy.Sentence)]);
            })
            .DistinctBy(pair => (pair.Verdict.Kind, pair.Verdict.Because, Brief(pair.Verdict.Source), Brief(pair.Verdict.Destination)))
            .OrderByDescending(pair => Badness(pair.Verdict.Kind)).ToList();
        var worst = different[0];
        return TypedResults.Ok(new Explanation(
            source.Workload?.Name ?? query.From!, destination.Workload?.Name ?? query.To!, TrafficPicture.PortText(match.Protocol, number), which,
            worst.FromAddress, worst.ToAddress, worst.Verdict, worst.Remedies, [.. different.Skip(1)],
            NamesOf(worst.FromAddress, source.Workload), NamesOf(worst.ToAddress, destination.Workload)));

        IReadOnlyList<AddressNameView> NamesOf(string shown, Workload? workload) =>
            workload is null && IpAddress.TryParse(shown, out var address) ? picture.NamesOf(store.NamesOf(ScopedAddress.Of(address))) : [];
    }

    private static (string?, string?, string?, string?) Brief(EndDecisionView? end) => (end?.Outcome, end?.InFull, end?.Because, end is null ? null : string.Join(' ', end.OtherRules));

    private static int Badness(Contracts.Rest.VerdictKind kind) => kind switch
    {
        Contracts.Rest.VerdictKind.Blocked => 3,
        Contracts.Rest.VerdictKind.PotentiallyBlocked => 2,
        Contracts.Rest.VerdictKind.Unknown => 1,
        _ => 0,
    };

    /// <summary>What the question says of a socket; null if nothing.</summary>
    private static SocketFacts? ReadSocket(string? process, string path, string? unit, string[] groups, bool unidentified, List<Diagnostic> problems)
    {
        if (process is not null && !process.StartsWith('/'))
        {
            problems.Add(Diagnostic.Error("bad-process", path, $"'{process}' is no absolute path. Rules name executables as the kernel does, such as /usr/sbin/nginx."));
        }

        var known = process is not null || unit is not null || groups.Length > 0;
        if (unidentified && known)
        {
            problems.Add(Diagnostic.Error("bad-process", "unidentified", "An unidentified socket has no process, unit or user that is known: leave them out."));
        }

        return unidentified ? SocketFacts.Unidentified
            : known ? SocketFacts.Of(process, unit, groups.Length == 0 ? null : groups.Distinct().Order(StringComparer.Ordinal).ToEquatableArray())
            : null;
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
}

/// <summary>What to explain.</summary>
/// <param name="From">The consumer: a workload's name or id, or an address.</param>
/// <param name="To">The provider.</param>
/// <param name="Port">As <c>tcp/443</c>, <c>icmp/8</c>.</param>
/// <param name="View">By which policy; the newest revision unless it is said.</param>
/// <param name="Process">Absolute path of the executable that connects.</param>
/// <param name="Unit">Systemd unit that connects.</param>
/// <param name="UserGroup">Directory groups of the connecting user.</param>
/// <param name="Unidentified">Whether the kernel could not tell which process connects.</param>
/// <param name="ServingProcess">Absolute path of the executable that serves.</param>
/// <param name="ServingUnit">Systemd unit that serves.</param>
public sealed record ExplainQuery(
    string? From, string? To, string? Port, string? View, string? Process, string? Unit, string[]? UserGroup, bool? Unidentified, string? ServingProcess, string? ServingUnit);
