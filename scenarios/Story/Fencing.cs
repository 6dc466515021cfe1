using Bulkhead.Contracts.Rest;

namespace Bulkhead.Scenarios.Story;

/// <summary>Label, draft, look, provision, restore.</summary>
internal static class Fencing
{
    private static readonly TimeSpan AppliedWithin = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan SeenWithin = TimeSpan.FromSeconds(60);

    /// <summary>The fenced application's workloads.</summary>
    public static bool IsFenced(IReadOnlyDictionary<string, string> labels) =>
        labels.GetValueOrDefault("app") == "storefront" && labels.GetValueOrDefault("env") == "prod";

    public static async Task<string> LabelAsync(Stage stage, CancellationToken cancellationToken)
    {
        await stage.LabelAsync(cancellationToken);
        var workloads = (await stage.WorkloadsAsync(cancellationToken)).ToDictionary(w => w.Name);
        var wrong = stage.Lab.Hosts.Where(h => !h.Declaration.Labels.All(l => workloads[h.Name].Labels.GetValueOrDefault(l.Key) == l.Value)).Select(h => h.Name).ToList();
        return wrong.Count > 0
            ? throw new StoryException($"wrong labels on {string.Join(", ", wrong)}")
            : $"{workloads.Count} workloads in {workloads.Values.Select(w => (w.Labels.GetValueOrDefault("app"), w.Labels.GetValueOrDefault("env"))).Distinct().Count()} applications and environments";
    }

    public static async Task<string> ProvisionBaselineAsync(Stage stage, CancellationToken cancellationToken)
    {
        var file = BaselineFile(stage);
        await File.WriteAllTextAsync(file, $"networks:\n  - name: lab\n    addresses: ['{stage.Lab.Network.Ipv4}', '{stage.Lab.Network.Ipv6}']\n", cancellationToken);
        await stage.Operator.RunAsync(cancellationToken, "draft", "import", file);
        var revision = await ProvisionAsync(stage, "Start: everything in visibility", cancellationToken);
        return $"revision {revision.Number} by {revision.Author}, hash {revision.Hash[..12]}";
    }

    public static async Task<string> DraftAsync(Stage stage, CancellationToken cancellationToken)
    {
        await stage.Operator.RunAsync(cancellationToken, "draft", "import", BaselineFile(stage), Path.Combine(AppContext.BaseDirectory, "storefront-ring-fence.yaml"));
        var draft = await stage.Operator.AskAsync<DraftStatus>(cancellationToken, "draft", "changes");
        var errors = draft.Diagnostics.Where(d => d.Severity == "error").ToList();
        var modes = draft.Changes.Any(c => c.Kind == "modes");
        var ruleset = draft.Changes.Any(c => c.Kind == "ruleset" && c.Name == "storefront-prod");
        return errors.Count > 0 || !modes || !ruleset
            ? throw new StoryException($"the draft holds {string.Join(", ", draft.Changes.Select(c => c.Kind + " " + c.Name))}; {string.Join("; ", errors.Select(e => e.Message))}")
            : $"{draft.Changes.Count} changes against revision {draft.BaseRevision}";
    }

    /// <summary>Exactly the intruder's links into the fence would be newly blocked: nothing that the application needs, and none missing.</summary>
    public static async Task<string> DraftBlocksTheIntruderOnlyAsync(Stage stage, CancellationToken cancellationToken)
    {
        var expected = stage.Lab.Attacks.Where(a => IsFenced(stage.Lab[a.To.Host].Declaration.Labels))
            .SelectMany(a => new[] { Edge.Of(stage.Lab, a, ipv6: false), Edge.Of(stage.Lab, a, ipv6: true) }).ToHashSet();
        DraftImpact? impact = null;
        await Wait.UntilAsync(
            async () =>
            {
                impact = await stage.Operator.AskAsync<DraftImpact>(cancellationToken, "draft", "impact");
                var found = impact.NewlyBlocked.Select(Edge.Of).ToHashSet();
                var (missing, extra) = (expected.Except(found).ToList(), found.Except(expected).ToList());
                return missing.Count + extra.Count == 0 ? null : $"not blocked though it should: {missing.Names(stage.Lab)}; blocked though it should not: {extra.Names(stage.Lab)}";
            },
            SeenWithin,
            cancellationToken);
        var map = await stage.Operator.AskAsync<MapView>(cancellationToken, "map", "--group", "app,env", "--view", "draft");
        var blocked = map.Links.Where(l => l.Verdicts.Blocked > 0).ToList();
        return blocked.Count != 1
            ? throw new StoryException($"the draft map shows {blocked.Count} lines with blocked links instead of one: {string.Join(", ", blocked.Select(l => $"{l.Source} → {l.Destination}"))}")
            : $"of {impact!.Edges} edges {expected.Count} newly blocked, {impact.NewlyAllowed.Count} newly allowed; the map shows them on one line, {blocked[0].Verdicts.Blocked} blocked; {impact.HostsChanged.Count} hosts change";
    }

    public static async Task<string> ProvisionFenceAsync(Stage stage, CancellationToken cancellationToken)
    {
        var revision = await ProvisionAsync(stage, "Ring-fence the storefront in production", cancellationToken);
        return $"revision {revision.Number}: {revision.Rollout!.Applied} of {revision.Rollout.Affected} affected hosts";
    }

    /// <summary>Replaces the draft by the baseline and a file of policy, provisions it and waits for every host.</summary>
    public static async Task<RevisionView> ProvisionAsync(Stage stage, string file, string note, CancellationToken cancellationToken)
    {
        await stage.Operator.RunAsync(cancellationToken, "draft", "import", BaselineFile(stage), Path.Combine(AppContext.BaseDirectory, file));
        return await ProvisionAsync(stage, note, cancellationToken);
    }

    public static async Task<string> RestoreAsync(Stage stage, CancellationToken cancellationToken)
    {
        await stage.Operator.RunAsync(cancellationToken, "revisions", "restore", "1", "--note", "Back to visibility", "--yes");
        var revision = await RolledOutAsync(stage, cancellationToken);
        var reached = await Attacking.EverythingReachedAsync(stage, ipv6: false, cancellationToken);
        return $"revision {revision.Number} restores revision {revision.RestoredFrom}: {reached}";
    }

    private static string BaselineFile(Stage stage) => Path.Combine(stage.Folder, "networks.yaml");

    private static async Task<RevisionView> ProvisionAsync(Stage stage, string note, CancellationToken cancellationToken)
    {
        await stage.Operator.RunAsync(cancellationToken, "provision", "--note", note, "--yes");
        return await RolledOutAsync(stage, cancellationToken);
    }

    private static async Task<RevisionView> RolledOutAsync(Stage stage, CancellationToken cancellationToken)
    {
        RevisionView? newest = null;
        await Wait.UntilAsync(
            async () =>
            {
                newest = (await stage.Operator.AskAsync<IReadOnlyList<RevisionView>>(cancellationToken, "revisions", "list"))[0];
                var rollout = newest.Rollout!;
                return rollout.Applied == rollout.Affected ? null : $"revision {newest.Number} is applied by {rollout.Applied} of {rollout.Affected}; waiting for {string.Join(", ", rollout.Waiting.Concat(rollout.Offline).Concat(rollout.Failed))}";
            },
            AppliedWithin,
            cancellationToken);
        await stage.AllSyncedAsync(AppliedWithin, cancellationToken);
        return newest!;
    }
}
