using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Traffic;

/// <summary>What a map lacks, in sentences.</summary>
internal static class GapNotes
{
    private const int Named = 3;

    /// <summary>A sentence for each kind of gap, with the workloads that have most of it.</summary>
    public static IEnumerable<string> Of(MapGaps gaps)
    {
        if (gaps.Lost > 0)
        {
            yield return $"Agents lost {gaps.Lost.Of("connection")} or blocked packets ({Who(gaps, workload => workload.Lost)}): there was more traffic than is shown.";
        }

        if (gaps.Incomplete > 0)
        {
            yield return $"Traffic is missing from {gaps.Incomplete.Of("connection")} that {Are(gaps.Incomplete)} shown ({Who(gaps, workload => workload.Incomplete)}).";
        }

        if (gaps.Unnamed > 0)
        {
            yield return $"The process is missing from up to {gaps.Unnamed.Of("connection")} that {Are(gaps.Unnamed)} shown, since what tells it was lost ({Who(gaps, workload => workload.Unnamed)}).";
        }
    }

    private static string Are(long count) => count == 1 ? "is" : "are";

    private static string Who(MapGaps gaps, Func<WorkloadGaps, long> count)
    {
        var most = gaps.Workloads.Where(workload => count(workload) > 0).OrderByDescending(count).ToList();
        var names = string.Join(", ", most.Take(Named).Select(workload => $"{workload.Name} {count(workload).Text()}"));
        return most.Count > Named ? $"{names} and others" : names;
    }
}
