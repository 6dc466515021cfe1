using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bulkhead.Policy.Documents;

/// <summary>
/// Policy documents as JSON: camelCase, unknown properties refused, nulls left out. Source-generated, so that trimmed and
/// ahead-of-time compiled programs read them too.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(PolicyDocument))]
[JsonSerializable(typeof(RulesetDocument))]
[JsonSerializable(typeof(ServiceDocument))]
[JsonSerializable(typeof(NetworkDocument))]
[JsonSerializable(typeof(IReadOnlyList<ModeDocument>))]
[JsonSerializable(typeof(IReadOnlyList<FailSafeDocument>))]
public sealed partial class PolicyJson : JsonSerializerContext
{
    /// <summary>UTF-8 bytes that are equal for documents that say the same: named objects by name, rules by id, modes by selector.</summary>
    public static byte[] Canonical(PolicyDocument document) => JsonSerializer.SerializeToUtf8Bytes(Sort(document), Default.PolicyDocument);

    /// <summary>The document in canonical order.</summary>
    public static PolicyDocument Sort(PolicyDocument document) => document with
    {
        Rulesets = [.. document.Rulesets.OrderBy(r => r.Name, StringComparer.Ordinal).Select(r => r with { Rules = [.. r.Rules.OrderBy(rule => rule.Id)] })],
        Services = [.. document.Services.OrderBy(s => s.Name, StringComparer.Ordinal)],
        Networks = [.. document.Networks.OrderBy(n => n.Name, StringComparer.Ordinal)],
        Modes = [.. document.Modes.OrderBy(m => m.Selector, StringComparer.Ordinal).ThenBy(m => m.Inbound, StringComparer.Ordinal).ThenBy(m => m.Outbound, StringComparer.Ordinal)],
        FailSafe = [.. document.FailSafe.OrderBy(f => f.Network, StringComparer.Ordinal).ThenBy(f => string.Join(',', f.Ports), StringComparer.Ordinal)],
    };
}
