using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Storage;

/// <summary>The draft as objects in a table, and as one document.</summary>
public static class DraftObjects
{
    private const string Ruleset = "ruleset";
    private const string Service = "service";
    private const string Network = "network";
    private const string Modes = "modes";
    private const string FailSafe = "failSafe";
    private const string LabelGroup = "labelGroup";
    private const string Plans = "plans";
    private const string Assertion = "assertion";

    /// <summary>Joins the objects, by name.</summary>
    public static PolicyDocument ToDocument(IEnumerable<DraftObjectRow> rows)
    {
        var byKind = rows.OrderBy(row => row.Name, StringComparer.Ordinal).ToLookup(row => row.Kind);
        return new()
        {
            Rulesets = Read(byKind[Ruleset], PolicyJson.Default.RulesetDocument),
            Services = Read(byKind[Service], PolicyJson.Default.ServiceDocument),
            Networks = Read(byKind[Network], PolicyJson.Default.NetworkDocument),
            Modes = [.. Read(byKind[Modes], PolicyJson.Default.IReadOnlyListModeDocument).SelectMany(list => list)],
            FailSafe = [.. Read(byKind[FailSafe], PolicyJson.Default.IReadOnlyListFailSafeDocument).SelectMany(list => list)],
            LabelGroups = Read(byKind[LabelGroup], PolicyJson.Default.LabelGroupDocument),
            Plans = [.. Read(byKind[Plans], PolicyJson.Default.IReadOnlyListPlanDocument).SelectMany(list => list)],
            Assertions = Read(byKind[Assertion], PolicyJson.Default.AssertionDocument),
        };
    }

    /// <summary>Splits a document into objects.</summary>
    public static IReadOnlyList<DraftObjectRow> FromDocument(PolicyDocument document) =>
    [
        .. document.Rulesets.Select(r => Write(Ruleset, r.Name, r, PolicyJson.Default.RulesetDocument)),
        .. document.Services.Select(s => Write(Service, s.Name, s, PolicyJson.Default.ServiceDocument)),
        .. document.Networks.Select(n => Write(Network, n.Name, n, PolicyJson.Default.NetworkDocument)),
        .. document.LabelGroups.Select(g => Write(LabelGroup, g.Name, g, PolicyJson.Default.LabelGroupDocument)),
        .. document.Assertions.Select(a => Write(Assertion, a.Name, a, PolicyJson.Default.AssertionDocument)),
        Write(Modes, "", [.. document.Modes.Select(mode => mode.WrittenOut())], PolicyJson.Default.IReadOnlyListModeDocument),
        Write(FailSafe, "", document.FailSafe, PolicyJson.Default.IReadOnlyListFailSafeDocument),
        Write(Plans, "", document.Plans, PolicyJson.Default.IReadOnlyListPlanDocument),
    ];

    private static IReadOnlyList<T> Read<T>(IEnumerable<DraftObjectRow> rows, JsonTypeInfo<T> type) =>
        [.. rows.Select(row => JsonSerializer.Deserialize(row.Body, type)!)];

    private static DraftObjectRow Write<T>(string kind, string name, T value, JsonTypeInfo<T> type) =>
        new() { Kind = kind, Name = name, Body = JsonSerializer.Serialize(value, type) };
}
