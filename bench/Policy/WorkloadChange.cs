using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Bench.Policy;

/// <summary>One thing that happens to one workload.</summary>
/// <param name="Kind">What, for the figures.</param>
/// <param name="Changed">The workload as it is from then on; none if it is removed.</param>
/// <param name="Removed">The workload that is gone; none if it is changed or new.</param>
internal sealed record WorkloadChange(string Kind, IReadOnlyList<Workload> Changed, IReadOnlyList<WorkloadId> Removed);

/// <summary>Draws what happens to the workloads of an estate, one after the other: of 10, 5 are relabelled, 2 added, 2 re-addressed, 1 removed.</summary>
internal sealed class WorkloadChanges(Estate estate, Random random)
{
    private readonly List<Workload> _now = [.. estate.Workloads];

    /// <summary>The workloads after all changes so far.</summary>
    public IReadOnlyList<Workload> Now => _now;

    /// <summary>Draws the next change.</summary>
    public WorkloadChange Next()
    {
        var index = random.Next(_now.Count);
        var workload = _now[index];
        switch (random.Next(10))
        {
            case < 2:
                _now.Add(estate.Draw.Make(estate.Draw.DrawCell().NewLabels(random)));
                return new("add", [_now[^1]], []);
            case < 4:
                _now[index] = workload with { Addresses = estate.Draw.NewAddresses() };
                return new("readdress", [_now[index]], []);
            case 4:
                _now[index] = _now[^1];
                _now.RemoveAt(_now.Count - 1);
                return new("remove", [], [workload.Id]);
            case < 7:
                return Relabel(index, "role", With(workload.Labels, "role", EstateApp.AllRoles[random.Next(EstateApp.AllRoles.Count)]));
            case < 9:
                return Relabel(index, "cluster", With(workload.Labels, "cluster", estate.Draw.DrawCell().NewLabels(random)["cluster"]!));
            default:
                return Relabel(index, "move", estate.Draw.DrawCell().NewLabels(random));
        }
    }

    private WorkloadChange Relabel(int index, string what, LabelSet labels)
    {
        _now[index] = _now[index] with { Labels = labels };
        return new($"relabel-{what}", [_now[index]], []);
    }

    private static LabelSet With(LabelSet labels, string key, string value) => LabelSet.Of(labels.Labels.Append(new(key, value)));
}
