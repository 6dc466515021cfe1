using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bulkhead.Contracts.Rest;

/// <summary>How REST's records are written as JSON: camelCase, enums as camelCase strings, absent values as null.</summary>
public static class RestJson
{
    /// <summary>Read-only; for both ends of the API.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    /// <summary>Gives existing options (the web framework's) the same form.</summary>
    public static void Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.PropertyNameCaseInsensitive = false;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false));
    }

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions();
        Configure(options);
        options.MakeReadOnly(populateMissingResolver: true);
        return options;
    }
}
