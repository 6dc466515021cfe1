namespace Bulkhead.Controller.Storage.Flows;

/// <summary>A name that a DNS answer gave for an address.</summary>
/// <param name="Name">What was asked for.</param>
/// <param name="Agent">The workload that last received such an answer.</param>
/// <param name="At">When; Unix milliseconds, an hour more or less.</param>
public sealed record EndpointName(string Name, Guid Agent, long At)
{
    /// <summary>The most names of an address.</summary>
    public const int Most = 4;

    private const long Hour = 3_600_000;

    /// <summary>Names with one that was just seen in front; the same object if that tells nothing new.</summary>
    internal static IReadOnlyList<EndpointName> With(IReadOnlyList<EndpointName> names, EndpointName seen)
    {
        var held = names.FirstOrDefault(name => name.Name == seen.Name);
        return held is not null && seen.At - held.At < Hour ? names : [seen, .. names.Where(name => name != held).Take(Most - 1)];
    }
}
