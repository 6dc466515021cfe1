using System.Collections.Concurrent;
using System.Collections.Immutable;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Bench.Chaos;

/// <summary>What the controller has acknowledged, and what it was asked without an answer, so that either may be found.</summary>
internal sealed class Promises
{
    /// <summary>Workloads made, with what a label may be: the value that was acknowledged last, and those asked for since, any of which may have been taken.</summary>
    public ConcurrentDictionary<string, ImmutableArray<string>> Workloads { get; } = new();

    /// <summary>Revisions, by note.</summary>
    public ConcurrentDictionary<string, RevisionView> Revisions { get; } = new();

    /// <summary>Hosts paired: the workload's id by its name.</summary>
    public ConcurrentDictionary<string, Guid> Paired { get; } = new();

    /// <summary>Flows, by address and port: each one connection.</summary>
    public ConcurrentDictionary<(string Address, string Port), bool> Flows { get; } = new();

    private long _edits;

    /// <summary>All answers that were a success.</summary>
    public long Count => Edits + Paired.Count + Flows.Count;

    /// <summary>Of these, the ones that people got.</summary>
    public long Edits => Workloads.Count + Revisions.Count + Interlocked.Read(ref _edits);

    /// <summary>Notes that a label edit was acknowledged.</summary>
    public void Relabelled(string workload, string value)
    {
        Workloads[workload] = [value];
        Interlocked.Increment(ref _edits);
    }

    /// <summary>Compares with what the controller holds now.</summary>
    /// <returns>What is missing or altered, and what is there more than once; a line each.</returns>
    public (IReadOnlyList<string> Lost, IReadOnlyList<string> Doubled) Compare(
        IReadOnlyList<WorkloadView> workloads, IReadOnlyList<RevisionView> revisions, IReadOnlyList<FlowEdge> flows)
    {
        var (lost, doubled) = (new List<string>(), new List<string>());
        var byName = workloads.ToLookup(w => w.Name);
        doubled.AddRange(byName.Where(same => same.Count() > 1).Select(same => $"workload {same.Key} is there {same.Count()} times"));
        foreach (var (name, possible) in Workloads)
        {
            if (byName[name].FirstOrDefault()?.Labels.GetValueOrDefault("loc") is var held && (held is null || !possible.Contains(held)))
            {
                lost.Add($"workload {name} has loc={held}, not {string.Join(" or ", possible)}");
            }
        }

        lost.AddRange(Paired.Where(pair => byName[pair.Key].FirstOrDefault()?.Id != pair.Value).Select(pair => $"paired host {pair.Key} is not {pair.Value}"));
        var byNote = revisions.ToLookup(r => r.Note);
        doubled.AddRange(byNote.Where(same => same.Count() > 1).Select(same => $"revision '{same.Key}' is there {same.Count()} times"));
        lost.AddRange(Revisions.Where(pair => byNote[pair.Key].FirstOrDefault() is var held && (held?.Number, held?.Hash) != (pair.Value.Number, pair.Value.Hash)).Select(pair => $"revision '{pair.Key}' is not {pair.Value.Number}"));
        var byEdge = flows.ToLookup(flow => (flow.Destination.Address, flow.Port));
        lost.AddRange(Flows.Keys.Where(key => !byEdge.Contains(key)).Select(key => $"flow to {key.Address} {key.Port}"));
        doubled.AddRange(byEdge.Where(same => same.Sum(flow => flow.Connections) > 1).Select(same => $"flow to {same.Key.Address} {same.Key.Port} counts {same.Sum(flow => flow.Connections)}"));
        return (lost, doubled);
    }
}
