using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Cli.Policies;

/// <summary>
/// Edits of the draft. Each reads the whole draft, changes it here and puts it back on the condition that nobody changed it meanwhile: all of an
/// edit is taken, or none, and every problem is reported at once.
/// </summary>
internal static class DraftEdit
{
    private const string Path = "policy/draft";

    public static Task<PolicyDocument> ReadAsync(Call call) => call.GetAsync<PolicyDocument>(Path);

    /// <summary>Edits the draft and shows what it then changes.</summary>
    public static async Task ApplyAsync(Call call, Func<PolicyDocument, PolicyDocument> edit)
    {
        var (draft, version) = await call.WaitAsync("Reading the draft", call.Controller.GetVersionedAsync<PolicyDocument>(Path, call.Cancel)).ConfigureAwait(false);
        var status = await call.WaitAsync("Writing the draft", call.Controller.SendAsync<DraftStatus>(HttpMethod.Put, Path, edit(draft), call.Cancel, version)).ConfigureAwait(false);
        Show(call, status);
    }

    /// <summary>Shows the draft's changes, and what the check has to say about it.</summary>
    public static void Show(Call call, DraftStatus status) => call.Show(status, _ =>
    {
        Changes(status.Changes).WriteTo(call.Terminal.Out, status.BaseRevision == 0 ? "The draft is empty." : $"The draft equals revision {status.BaseRevision}.");
        if (status.Changes.Count > 0)
        {
            call.Terminal.Note("Nothing is enforced yet. See what it would do: bulkhead draft impact. Enforce it: bulkhead provision --note TEXT");
        }

        call.Terminal.Report(status.Diagnostics);
    });

    /// <summary>Changes as a list, a line for each detail.</summary>
    public static Listing Changes(IReadOnlyList<PolicyChange> changes)
    {
        var listing = new Listing("change", "kind", "name", "details");
        foreach (var change in changes)
        {
            listing.Row(change.Change, change.Kind, change.Name.Length > 0 ? change.Name : "-", string.Join('\n', change.Details));
        }

        return listing;
    }
}
