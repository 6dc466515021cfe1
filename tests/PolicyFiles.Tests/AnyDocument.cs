using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Bulkhead.Policy.Documents;

namespace Bulkhead.PolicyFiles.Tests;

/// <summary>Documents of a type with anything in every field that there is, or that anybody adds.</summary>
internal static class AnyDocument
{
    private static readonly string[] Texts =
    [
        "web", "app=shop,env=@live", "*.example.com", "2001:db8::/32", "192.0.2.7", "tcp/8080", "a: b", "a #b", "#", "- x", "yes", "NULL", "~", "", " ", "1e3", "0x1f", "12:30", "2026-01-01",
        "two\nlines", "two\nlines\n", "two\n\n  lines\n\n", "\n", " first\nindented", "tab\there\n# no comment\n", "crlf\r\nline", "\"quoted\"", "it's", "back\\slash", "@at", "`tick", "%percent", "{x", "x]", "x, y", "x:", ":x", "?", "|", ">", "!tag", "&a", "*a", "<<", "=",
        "\u00e9\u4e2d", "\U0001F600", "\u0001\u007f\u0085\u00a0\u2028\ufeff", "...", "--- x", "x\n---\ny", "trailing \nspace", new('x', 150), "key: |\n  value # c\n",
    ];

    public static PolicyDocument Policy(int seed) => Of(PolicyJson.Default.PolicyDocument, seed);

    public static T Of<T>(JsonTypeInfo<T> type, int seed) => Build(type, new Random(seed)).Deserialize(type)!;

    private static JsonNode Build(JsonTypeInfo type, Random random)
    {
        switch (type.Kind)
        {
            case JsonTypeInfoKind.Object:
                var properties = type.Properties.Where(_ => random.Next(4) > 0);
                return new JsonObject(properties.Select(property => KeyValuePair.Create(property.Name, (JsonNode?)Build(type.Options.GetTypeInfo(property.PropertyType), random))));
            case JsonTypeInfoKind.Enumerable:
                var length = random.Next(4) * random.Next(2);
                return new JsonArray([.. Enumerable.Range(0, length).Select(_ => Build(type.Options.GetTypeInfo(type.ElementType!), random))]);
            case JsonTypeInfoKind.Dictionary:
                return new JsonObject(Enumerable.Range(0, random.Next(3)).Select(_ => Text(random)).Distinct().Select(key => KeyValuePair.Create(key, (JsonNode?)Build(type.Options.GetTypeInfo(type.ElementType!), random))));
            default:
                var value = Nullable.GetUnderlyingType(type.Type) ?? type.Type;
                return value == typeof(long) ? JsonValue.Create((long)random.Next(3) * random.Next())
                    : value == typeof(bool) ? JsonValue.Create(random.Next(2) == 0)
                    : value == typeof(DateTimeOffset) ? JsonValue.Create(DateTimeOffset.UnixEpoch.AddSeconds(random.NextInt64(1L << 32)))
                    : JsonValue.Create(Text(random))!;
        }
    }

    private static string Text(Random random) => random.Next(8) == 0
        ? string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => Texts[random.Next(Texts.Length)]))
        : Texts[random.Next(Texts.Length)];
}
