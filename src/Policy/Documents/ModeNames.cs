using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Documents;

/// <summary>Enforcement modes as documents name them.</summary>
public static class ModeNames
{
    /// <summary>The mode of a name, or null.</summary>
    public static EnforcementMode? Parse(string? name) => name switch
    {
        "visibility" => EnforcementMode.Visibility,
        "selective" => EnforcementMode.Selective,
        "full" => EnforcementMode.Full,
        _ => null,
    };
}
