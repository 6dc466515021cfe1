using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Matrix;

/// <summary>The hosts as the controller knows them, and what it is told to do with them.</summary>
internal sealed class Estate(BenchmarkRun run, Stage stage, ControllerRest rest)
{
    private static readonly TimeSpan s_syncedWithin = TimeSpan.FromSeconds(60);

    /// <summary>All of them.</summary>
    public async Task<IReadOnlyList<WorkloadDetail>> InventoryAsync()
    {
        var all = await WorkloadsAsync();
        return await Task.WhenAll(all.Select(workload => rest.GetAsync<WorkloadDetail>($"workloads/{workload.Id}", run.Cancel)));
    }

    /// <summary>Labels all hosts anew, and puts one of them, or none, into quarantine.</summary>
    public async Task LabelAsync(PolicyDrawing drawing, string? quarantined)
    {
        var labels = stage.Lab.Hosts.Select(host => drawing.Labels() is var drawn ? new LabelEdit(host.Name, drawn, [.. PolicyDrawing.Keys.Except(drawn.Keys)], null) : null!);
        await rest.SendAsync<LabelEditResult>(HttpMethod.Post, "workloads/labels", new EditLabels([.. labels], false, ["left-out", "would-lock-out"]), run.Cancel);
        foreach (var host in await WorkloadsAsync())
        {
            if (host.Quarantined != (host.Name == quarantined))
            {
                await rest.SendAsync<WorkloadView>(HttpMethod.Post, $"workloads/{host.Id}/quarantine", new SetQuarantine(host.Name == quarantined, "matrix"), run.Cancel);
            }
        }
    }

    /// <summary>Provisions a policy and waits until every kernel has it.</summary>
    public async Task ProvisionAsync(PolicyDocument policy, string note)
    {
        // New rules are numbered by the controller.
        var unnumbered = policy with { Rulesets = [.. policy.Rulesets.Select(ruleset => ruleset with { Rules = [.. ruleset.Rules.Select(rule => rule with { Id = 0 })] })] };
        var draft = await rest.SendAsync<DraftStatus>(HttpMethod.Put, "policy/draft", unnumbered, run.Cancel);
        await rest.SendAsync<RevisionView>(HttpMethod.Post, "policy/provision", new Provision(note, draft.DraftVersion, ["left-out", "would-lock-out"]), run.Cancel);
        await Wait.UntilAsync(
            async () => (await WorkloadsAsync()).FirstOrDefault(w => w.Sync != SyncState.Synced) is { } late
                ? $"{late.Name} is {late.Sync}{string.Concat(late.Problems.Select(p => $" ({p.Message})"))}" : null,
            s_syncedWithin,
            run.Cancel);
    }

    private async Task<IReadOnlyList<WorkloadView>> WorkloadsAsync() => (await rest.GetAsync<Page<WorkloadView>>("workloads?limit=1000", run.Cancel)).Items;
}
