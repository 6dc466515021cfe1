using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Enforce;

/// <summary>The ring-fence that is put up and taken away.</summary>
/// <param name="rest">The controller.</param>
/// <param name="closed">The policy with the fence. The one without is revision 1.</param>
internal sealed class Fence(ControllerRest rest, PolicyDocument closed)
{
    private const string Draft = "policy/draft";

    /// <summary>Provisions a policy without the fence, as revision 1, and drafts a fence of the demo.</summary>
    /// <returns>The policy with the fence.</returns>
    public static async Task<PolicyDocument> DraftAsync(Stage stage, ControllerRest rest, CancellationToken cancel, string file = "storefront-ring-fence.yaml")
    {
        var open = Path.Combine(stage.Folder, "networks.yaml");
        await File.WriteAllTextAsync(open, $"networks:\n  - name: lab\n    addresses: ['{stage.Lab.Network.Ipv4}', '{stage.Lab.Network.Ipv6}']\n", cancel);
        await stage.Operator.RunAsync(cancel, "draft", "import", open);
        await stage.Operator.RunAsync(cancel, "provision", "--note", "Start: everything in visibility", "--yes");
        await stage.Operator.RunAsync(cancel, "draft", "import", open, Path.Combine(AppContext.BaseDirectory, file));
        return await rest.GetAsync<PolicyDocument>(Draft, cancel);
    }

    /// <summary>Puts it up.</summary>
    public async Task<Change> CloseAsync(CancellationToken cancel)
    {
        var draft = await rest.SendAsync<DraftStatus>(HttpMethod.Put, Draft, closed, cancel);
        return await TimeAsync("policy/provision", new Provision("Ring-fence", draft.DraftVersion, []), cancel);
    }

    /// <summary>Takes it away.</summary>
    public Task<Change> OpenAsync(CancellationToken cancel) => TimeAsync("policy/revisions/1/restore", new RestoreRevision("Open again"), cancel);

    private async Task<Change> TimeAsync(string path, object body, CancellationToken cancel)
    {
        var requested = TimeProvider.System.GetTimestamp();
        await rest.SendAsync<RevisionView>(HttpMethod.Post, path, body, cancel);
        return new(requested, TimeProvider.System.GetTimestamp());
    }
}
