using System.Text.Json;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Controller.Storage;

/// <summary>Small values as they are kept in text columns.</summary>
public static class StoredText
{
    /// <summary>Labels from a JSON object.</summary>
    public static LabelSet Labels(string json) =>
        LabelSet.Of(JsonSerializer.Deserialize<Dictionary<string, string>>(json)!.Select(pair => new Label(pair.Key, pair.Value)));

    /// <summary>Labels as a JSON object.</summary>
    public static string Of(LabelSet labels) => JsonSerializer.Serialize(ToDictionary(labels));

    /// <summary>Labels, key to value.</summary>
    public static IReadOnlyDictionary<string, string> ToDictionary(LabelSet labels) =>
        new SortedDictionary<string, string>(labels.Labels.ToDictionary(label => label.Key, label => label.Value), StringComparer.Ordinal);

    /// <summary>Words separated by spaces.</summary>
    public static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Prefixes separated by spaces.</summary>
    public static EquatableArray<IpPrefix> Prefixes(string text) => Words(text).Select(ParsePrefix).ToEquatableArray();

    /// <summary>Grants from a JSON array.</summary>
    public static IReadOnlyList<Grant> Grants(string json) => JsonSerializer.Deserialize<List<Grant>>(json, RestJson.Options)!;

    /// <summary>Grants as a JSON array.</summary>
    public static string Of(IReadOnlyList<Grant> grants) => JsonSerializer.Serialize(grants, RestJson.Options);

    /// <summary>A whole policy from its JSON.</summary>
    public static PolicyDocument Policy(string json) => JsonSerializer.Deserialize(json, PolicyJson.Default.PolicyDocument)!;

    private static IpPrefix ParsePrefix(string text)
    {
        var slash = text.IndexOf('/');
        var address = IpAddress.Parse(slash < 0 ? text : text[..slash]);
        var length = slash < 0 ? address.Width : int.Parse(text[(slash + 1)..], System.Globalization.CultureInfo.InvariantCulture);
        return IpPrefix.TryCreate(address, length, out var prefix) ? prefix : throw new InvalidDataException($"'{text}' is not a prefix.");
    }
}
