using Bulkhead.Contracts.Rest;
using System.Security.Claims;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy;
using Bulkhead.Policy.Documents;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Bulkhead.Controller.Policies;

/// <summary><c>/api/v1/policy/draft/…</c>: one object of the draft at a time.</summary>
public static class DraftObjectEndpoints
{
    /// <summary>Maps them.</summary>
    public static void Map(RouteGroupBuilder policy)
    {
        var draft = policy.MapGroup("/draft").Requires(Permission.Draft);
        MapNamed(draft, "rulesets", "ruleset", s_rulesets);
        MapNamed(draft, "services", "service", s_services);
        MapNamed(draft, "networks", "network", s_networks);
        MapNamed(draft, "label-groups", "label group", s_labelGroups);
        MapNamed(draft, "assertions", "assertion", s_assertions);
        MapList<ModeDocument>(draft, "modes", "The enforcement modes were replaced.", (document, modes) => document with { Modes = modes }, document => document.Modes);
        MapList<FailSafeDocument>(draft, "fail-safe", "The fail-safe list was replaced.", (document, list) => document with { FailSafe = list }, document => document.FailSafe);
        MapList<PlanDocument>(draft, "plans", "The label plans were replaced.", (document, list) => document with { Plans = list }, document => document.Plans);
    }

    private sealed record Collection<T>(
        Func<PolicyDocument, IReadOnlyList<T>> Get, Func<PolicyDocument, IReadOnlyList<T>, PolicyDocument> Set, Func<T, string> NameOf, Func<T, string, T> WithName);

    private static readonly Collection<RulesetDocument> s_rulesets = new(d => d.Rulesets, (d, list) => d with { Rulesets = list }, r => r.Name, (r, name) => r with { Name = name });
    private static readonly Collection<ServiceDocument> s_services = new(d => d.Services, (d, list) => d with { Services = list }, s => s.Name, (s, name) => s with { Name = name });
    private static readonly Collection<NetworkDocument> s_networks = new(d => d.Networks, (d, list) => d with { Networks = list }, n => n.Name, (n, name) => n with { Name = name });
    private static readonly Collection<LabelGroupDocument> s_labelGroups = new(d => d.LabelGroups, (d, list) => d with { LabelGroups = list }, g => g.Name, (g, name) => g with { Name = name });
    private static readonly Collection<AssertionDocument> s_assertions = new(d => d.Assertions, (d, list) => d with { Assertions = list }, a => a.Name, (a, name) => a with { Name = name });

    /// <summary>Replaces, adds and removes objects by name. A body that names the object differently renames it.</summary>
    private static void MapNamed<T>(RouteGroupBuilder draft, string route, string what, Collection<T> collection)
        where T : class
    {
        var article = what.StartsWith('a') ? "an" : "a";
        draft.MapPut($"/{route}/{{name}}", async Task<Results<Ok<T>, ProblemResult>> (
            string name, T body, [FromHeader(Name = "If-Match")] string? ifMatch, ClaimsPrincipal user, Ledger ledger, HttpContext context, CancellationToken cancellation) =>
        {
            var wanted = collection.NameOf(body).Length == 0 ? collection.WithName(body, name) : body;
            var final = collection.NameOf(wanted);
            var outcome = await DraftEdit.RunAsync(ledger, user.Caller(), ifMatch, $"The {what} {final} was written.", document =>
            {
                var list = collection.Get(document);
                var at = list.ToList().FindIndex(item => collection.NameOf(item) == name);
                return final != name && list.Any(item => collection.NameOf(item) == final)
                    ? Problems.Invalid([Diagnostic.Error("duplicate-name", "name", $"There is another {what} '{final}'. Choose another name.")])
                    : collection.Set(document, at < 0 ? [.. list, wanted] : [.. list.Select((item, i) => i == at ? wanted : item)]);
            }, cancellation).ConfigureAwait(false);
            Tag(context, outcome);
            return outcome.Select(snapshot => collection.Get(snapshot.DraftPolicy.Document).Single(item => collection.NameOf(item) == final)).Ok();
        }).WithSummary($"Write {article} {what} of the draft.");

        draft.MapDelete($"/{route}/{{name}}", async Task<Results<NoContent, ProblemResult>> (
            string name, [FromHeader(Name = "If-Match")] string? ifMatch, ClaimsPrincipal user, Ledger ledger, HttpContext context, CancellationToken cancellation) =>
        {
            var outcome = await DraftEdit.RunAsync(ledger, user.Caller(), ifMatch, $"The {what} {name} was removed.", document =>
            {
                var rest = collection.Get(document).Where(item => collection.NameOf(item) != name).ToList();
                return rest.Count == collection.Get(document).Count ? Problems.NotFound($"{what} in the draft", name) : collection.Set(document, rest);
            }, cancellation).ConfigureAwait(false);
            Tag(context, outcome);
            return outcome.NoContent();
        }).WithSummary($"Remove {article} {what} from the draft.");
    }

    private static void MapList<T>(
        RouteGroupBuilder draft, string route, string detail, Func<PolicyDocument, IReadOnlyList<T>, PolicyDocument> set, Func<PolicyDocument, IReadOnlyList<T>> get) =>
        draft.MapPut($"/{route}", async Task<Results<Ok<IReadOnlyList<T>>, ProblemResult>> (
            IReadOnlyList<T> body, [FromHeader(Name = "If-Match")] string? ifMatch, ClaimsPrincipal user, Ledger ledger, HttpContext context, CancellationToken cancellation) =>
        {
            var outcome = await DraftEdit.RunAsync(ledger, user.Caller(), ifMatch, detail, document => set(document, body), cancellation).ConfigureAwait(false);
            Tag(context, outcome);
            return outcome.Select(snapshot => get(snapshot.DraftPolicy.Document)).Ok();
        }).WithSummary($"Replace the {route} of the draft.");

    private static void Tag(HttpContext context, Outcome<LiveSnapshot> outcome)
    {
        if (outcome.Value is { } snapshot)
        {
            DraftEndpoints.Tag(context, snapshot);
        }
    }
}
