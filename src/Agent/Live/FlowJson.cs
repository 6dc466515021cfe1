using System.Text.Json.Serialization;

namespace Bulkhead.Agent.Live;

/// <summary>How <c>flows --output json</c> is written: an object a line.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FlowLine))]
internal sealed partial class FlowJson : JsonSerializerContext;
