using System.Diagnostics;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Bench.Policy;

/// <summary>What is measured, and how it is made warm.</summary>
internal static class Engine
{
    private static readonly TimeSpan WarmUpTime = TimeSpan.FromSeconds(2);

    /// <summary>Compiles from scratch: from a checked policy and a list of workloads to a digest over every host's policy.</summary>
    public static (CompiledPolicy Compiled, string Digest) Compile(PolicyModel policy, IReadOnlyList<Workload> workloads)
    {
        var compiled = PolicyCompiler.Compile(policy, new(workloads), Estate.Settings);
        return (compiled, compiled.Digest().ToString());
    }

    /// <summary>The shape of a small estate of the same kind, to get warm with.</summary>
    public static EstateShape Small(EstateShape shape) => shape with { Workloads = Math.Min(shape.Workloads, 4_000), Rules = Math.Min(shape.Rules, 2_000) };

    /// <summary>Compiles a small estate of the same kind again and again, until the runtime has compiled the code for good.</summary>
    public static void WarmUp(EstateShape shape)
    {
        var small = Estate.Make(Small(shape));
        var policy = Estate.Parse(small.Document).Model;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < WarmUpTime;)
        {
            Compile(policy, small.Workloads);
        }
    }

    /// <summary>
    /// Reads all of what hosts must be told: the elements that peer sets gain and lose, and the deltas or whole policies of the hosts that
    /// changed themselves.
    /// </summary>
    /// <returns>How many elements and host policies it was.</returns>
    public static int Enumerate(CompiledPolicy after, PolicyDelta delta)
    {
        var told = delta.Removed.Count;
        foreach (var set in delta.PeerSets)
        {
            told += set.Added.Count + set.Removed.Count;
        }

        foreach (var moved in delta.Moved)
        {
            told += delta.For(moved) is { } host ? host.RemovedEntries.Count + host.AddedEntries.Count + host.DroppedSets.Count + host.NewSets.Count : after.Hosts[moved].Entries.Count;
        }

        return told;
    }
}
