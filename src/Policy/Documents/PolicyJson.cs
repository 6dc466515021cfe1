using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

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
[JsonSerializable(typeof(LabelGroupDocument))]
[JsonSerializable(typeof(AssertionDocument))]
[JsonSerializable(typeof(IReadOnlyList<PlanDocument>))]
public sealed partial class PolicyJson : JsonSerializerContext
{
    /// <summary>UTF-8 bytes that are equal for documents that say the same: named objects by name, rules by id, modes by selector and written out.</summary>
    /// <remarks>Fields that later versions added are left out while empty, so that what a revision hashes to never changes.</remarks>
    public static byte[] Canonical(PolicyDocument document) =>
        JsonSerializer.SerializeToUtf8Bytes(Sort(document), CanonicalForm.Policy);

    /// <summary>The document in canonical order.</summary>
    public static PolicyDocument Sort(PolicyDocument document) => document with
    {
        Rulesets = [.. document.Rulesets.OrderBy(r => r.Name, StringComparer.Ordinal).Select(r => r with { Rules = [.. r.Rules.OrderBy(rule => rule.Id)] })],
        Services = [.. document.Services.OrderBy(s => s.Name, StringComparer.Ordinal)],
        Networks = [.. document.Networks.OrderBy(n => n.Name, StringComparer.Ordinal)],
        Modes = [.. document.Modes.Select(m => m.WrittenOut()).OrderBy(m => m.Selector, StringComparer.Ordinal).ThenBy(m => m.Inbound, StringComparer.Ordinal).ThenBy(m => m.Outbound, StringComparer.Ordinal)],
        FailSafe = [.. document.FailSafe.OrderBy(f => f.Network, StringComparer.Ordinal).ThenBy(f => string.Join(',', f.Ports), StringComparer.Ordinal)],
        LabelGroups = [.. document.LabelGroups.OrderBy(g => g.Name, StringComparer.Ordinal)],
        Plans = [.. document.Plans.OrderBy(p => p.Selector, StringComparer.Ordinal).ThenBy(p => string.Join(',', p.Networks), StringComparer.Ordinal)],
        Assertions = [.. document.Assertions.OrderBy(a => a.Name, StringComparer.Ordinal)],
    };

    /// <summary>A class of its own, since the generated part of this one has static fields too, and their order is not defined.</summary>
    private static class CanonicalForm
    {
        private static readonly HashSet<(Type, string)> s_addedLater =
            [(typeof(PolicyDocument), "labelGroups"), (typeof(PolicyDocument), "plans"), (typeof(PolicyDocument), "assertions"), (typeof(NetworkDocument), "fqdn")];

        public static readonly JsonTypeInfo<PolicyDocument> Policy = (JsonTypeInfo<PolicyDocument>)new JsonSerializerOptions(Default.Options)
        {
            TypeInfoResolver = Default.WithAddedModifier(type =>
            {
                foreach (var property in type.Properties.Where(property => s_addedLater.Contains((type.Type, property.Name))))
                {
                    property.ShouldSerialize = static (_, value) => value is not IReadOnlyCollection<object> { Count: 0 };
                }
            }),
        }.GetTypeInfo(typeof(PolicyDocument));
    }
}
