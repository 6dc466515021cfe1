using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Controller.Workloads;

/// <summary>Finds workloads by id or by unique name.</summary>
public static class WorkloadLookup
{
    /// <summary>The workload, or why there is not one.</summary>
    public static Outcome<WorkloadEntry> Find(this LiveSnapshot snapshot, string idOrName)
    {
        if (Guid.TryParse(idOrName, out var id) && snapshot.Entries.TryGetValue(new WorkloadId(id), out var byId))
        {
            return byId;
        }

        var named = snapshot.Entries.Values.Where(entry => entry.Workload.Name == idOrName).OrderBy(entry => entry.Workload.Id).ToList();
        return named switch
        {
            [var only] => only,
            [] => Problems.NotFound("workload", idOrName),
            _ => Problems.Conflict("ambiguous-name", $"There are {named.Count} workloads named '{idOrName}'.", $"Use an id: {string.Join(", ", named.Select(entry => entry.Workload.Id))}."),
        };
    }
}
