using System.Text.Json.Serialization;

namespace Bulkhead.Agent.State;

/// <summary>How the files of the state folder are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true, RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Identity))]
[JsonSerializable(typeof(AgentStatus))]
internal sealed partial class StateJson : JsonSerializerContext;
