using System.Text.Json;
using System.Text.Json.Serialization;
using Bulkhead.Agent.Checks;
using Bulkhead.Agent.Policies;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Agent.State;

/// <summary>How the files of the state folder are written.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    Converters = [typeof(EnforcementModeConverter), typeof(FindingLevelConverter)],
    RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Identity))]
[JsonSerializable(typeof(AgentStatus))]
[JsonSerializable(typeof(PanicOrder))]
[JsonSerializable(typeof(IReadOnlyList<Finding>))]
[JsonSerializable(typeof(LocalExplanation))]
internal sealed partial class StateJson : JsonSerializerContext
{
    /// <summary>A mode as it is written.</summary>
    public static string NameOf(EnforcementMode mode) => JsonNamingPolicy.CamelCase.ConvertName(mode.ToString());
}

/// <summary>Modes in lower case, as everywhere else.</summary>
internal sealed class EnforcementModeConverter() : JsonStringEnumConverter<EnforcementMode>(JsonNamingPolicy.CamelCase);

/// <summary>Levels in lower case.</summary>
internal sealed class FindingLevelConverter() : JsonStringEnumConverter<FindingLevel>(JsonNamingPolicy.CamelCase);
