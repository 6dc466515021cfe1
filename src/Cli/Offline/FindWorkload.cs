using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Cli.Offline;

/// <summary>Finds ends of connections by what people call them.</summary>
internal static class FindWorkload
{
    /// <summary>The workload of a name; fails if there is none.</summary>
    public static Workload Named(WorkloadIndex workloads, string name) =>
        workloads.Workloads.FirstOrDefault(workload => workload.Name == name)
        ?? throw new Failure(ExitCode.NotFound, $"The inventory has no workload '{name}'.", $"What there is: {string.Join(", ", workloads.Workloads.Select(workload => workload.Name).Order(StringComparer.Ordinal).Take(10))}{(workloads.Workloads.Count > 10 ? " …" : "")}");

    /// <summary>The workload of a name and no address, or an address itself, plain or as <c>SPACE/ADDRESS</c>, and the workload that holds it.</summary>
    public static (Workload? Workload, ScopedAddress? Address) End(WorkloadIndex workloads, string text)
    {
        var slash = text.LastIndexOf('/');
        if (IpAddress.TryParse(text.AsSpan(slash + 1), out var address))
        {
            var scoped = new ScopedAddress(new(slash < 0 ? "" : text[..slash]), address);
            return (workloads.Holder(scoped), scoped);
        }

        var workload = Named(workloads, text);
        return workload.Addresses.Count > 0 || workload.IsTranslated
            ? (workload, null)
            : throw new Failure(ExitCode.Refused, $"'{text}' has no addresses, so nothing connects to it or from it.");
    }
}
