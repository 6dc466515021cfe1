using System.Text.Json.Serialization;

namespace Bulkhead.Contracts.Host;

/// <summary>How what the agent shows to the users of its host is written.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(IReadOnlyList<Block>))]
public sealed partial class HostJson : JsonSerializerContext;
