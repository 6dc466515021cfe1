using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Compile;

/// <summary>The abilities that an entry may ask of a host, as bits.</summary>
[Flags]
internal enum Feature
{
    /// <summary>None besides the base.</summary>
    None = 0,

    /// <summary><see cref="Features.ProcessInbound"/>.</summary>
    ProcessInbound = 1,

    /// <summary><see cref="Features.ProcessOutbound"/>.</summary>
    ProcessOutbound = 2,

    /// <summary><see cref="Features.UnitInbound"/>.</summary>
    UnitInbound = 4,

    /// <summary><see cref="Features.UnitOutbound"/>.</summary>
    UnitOutbound = 8,

    /// <summary><see cref="Features.UserOutbound"/>.</summary>
    UserOutbound = 16,

    /// <summary><see cref="Features.Stateless"/>.</summary>
    Stateless = 32,

    /// <summary><see cref="ConnectionHelper.Feature"/> of the first of <see cref="ConnectionHelper.All"/>; those of the others follow.</summary>
    FirstHelper = 64,
}

/// <summary>Features as bits and as the names that agents report.</summary>
internal static class FeatureMask
{
    private static readonly (Feature Bit, string Name)[] s_names =
    [
        .. ConnectionHelper.All.Select((helper, index) => ((Feature)((int)Feature.FirstHelper << index), helper.Feature)),
        (Feature.ProcessInbound, Features.ProcessInbound),
        (Feature.ProcessOutbound, Features.ProcessOutbound),
        (Feature.Stateless, Features.Stateless),
        (Feature.UnitInbound, Features.UnitInbound),
        (Feature.UnitOutbound, Features.UnitOutbound),
        (Feature.UserOutbound, Features.UserOutbound),
    ];

    /// <summary>The bits of reported names; names that are not known here mean nothing.</summary>
    public static Feature Of(EquatableArray<string> names)
    {
        var mask = Feature.None;
        foreach (var (bit, name) in s_names)
        {
            foreach (var reported in names)
            {
                mask |= string.Equals(reported, name, StringComparison.Ordinal) ? bit : Feature.None;
            }
        }

        return mask;
    }

    /// <summary>What deciding a socket's process and user takes.</summary>
    public static Feature For(Direction direction, ProcessCondition? process, EquatableArray<string> users) =>
        (process?.Path is null ? Feature.None : direction == Direction.Inbound ? Feature.ProcessInbound : Feature.ProcessOutbound)
        | (process?.Unit is null ? Feature.None : direction == Direction.Inbound ? Feature.UnitInbound : Feature.UnitOutbound)
        | (users.Count == 0 ? Feature.None : Feature.UserOutbound);

    /// <summary>What giving connections a helper takes.</summary>
    public static Feature For(ConnectionHelper? helper) => helper is null ? Feature.None : s_names.First(pair => pair.Name == helper.Feature).Bit;

    /// <summary>The names, sorted.</summary>
    public static IEnumerable<string> Names(Feature mask) => s_names.Where(pair => (mask & pair.Bit) != 0).Select(pair => pair.Name);
}
