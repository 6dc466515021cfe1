using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Controller.Traffic;

/// <summary>What is missing from a window, as REST shows it.</summary>
internal static class GapViews
{
    /// <summary>The most workloads that are named.</summary>
    public const int MostWorkloads = 50;

    /// <summary>All of it, and the workloads that lost most first. One that is gone is named by its id.</summary>
    public static MapGaps Of(IReadOnlyDictionary<Guid, Gaps> gaps, WorkloadIndex workloads)
    {
        var sum = gaps.Values.Aggregate(default(Gaps), (all, one) => all.Plus(one));
        return new(
            sum.Lost,
            sum.Incomplete,
            sum.Unnamed,
            gaps.Count,
            [.. gaps
                .Select(entry => new WorkloadGaps(entry.Key, workloads.Find(new(entry.Key))?.Name ?? entry.Key.ToString(), entry.Value.Lost, entry.Value.Incomplete, entry.Value.Unnamed))
                .OrderByDescending(workload => workload.Lost).ThenByDescending(workload => workload.Incomplete).ThenByDescending(workload => workload.Unnamed)
                .ThenBy(workload => workload.Name, StringComparer.Ordinal)
                .Take(MostWorkloads)]);
    }
}
