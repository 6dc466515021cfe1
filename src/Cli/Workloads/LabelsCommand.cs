using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Cli.Policies;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Workloads;

/// <summary><c>bulkhead labels</c>: gives workloads their labels, one by one or from a CSV file.</summary>
internal static class LabelsCommand
{
    private static readonly Argument<string> Name = new("NAME") { Description = "The workload's name or id." };
    private static readonly Argument<string[]> Pairs = new("KEY=VALUE") { Description = "Labels to set.", Arity = ArgumentArity.OneOrMore };
    private static readonly Argument<string[]> Keys = new("KEY") { Description = "Label keys.", Arity = ArgumentArity.OneOrMore };
    private static readonly Argument<FileInfo> Csv = new("FILE.csv") { Description = "A heading 'workload,KEY,KEY…' and one line a workload; an empty cell leaves a label as it is, '-' removes it." };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only show what it would do." };
    private static readonly Option<bool> Apply = new("--apply") { Description = "Do it; without this it is only shown." };

    public static Command Create(CliHost host) => new Command("labels", "Set and remove labels.").With(
        new Command("set", "Set labels of a workload.").With(Name, Pairs, DryRun, ProvisionCommand.Acknowledge).Runs(host, call =>
            EditAsync(call, [new(call.Value(Name), CommonOptions.LabelsOf(call.Value(Pairs)), [], null)], call.Value(DryRun))),
        new Command("remove", "Remove labels from a workload.").With(Name, Keys, DryRun, ProvisionCommand.Acknowledge).Runs(host, call =>
            EditAsync(call, [new(call.Value(Name), new Dictionary<string, string>(), call.Value(Keys), null)], call.Value(DryRun))),
        new Command("import", "Set labels from a CSV file, all or none.").With(Csv, Apply, ProvisionCommand.Acknowledge).Runs(host, call =>
            EditAsync(call, LabelCsv.Read(PrivateFile.Read(call.Value(Csv))), !call.Value(Apply))),
        new Command("keys", "List, declare and withdraw label keys.").With(
            new Command("list", "List the keys.").Runs(host, async call => ShowKeys(call, await call.GetAsync<LabelKeys>("label-keys").ConfigureAwait(false))),
            new Command("declare", "Declare keys of your own.").With(Keys).Runs(host, call => DeclareAsync(call, declared => declared.Union(call.Value(Keys), StringComparer.Ordinal))),
            new Command("withdraw", "Withdraw keys of your own; refused while one is in use.").With(Keys).Runs(host, call => DeclareAsync(call, declared => declared.Except(call.Value(Keys), StringComparer.Ordinal)))));

    private static async Task EditAsync(Call call, IReadOnlyList<LabelEdit> edits, bool dryRun)
    {
        var result = await call.SendAsync<LabelEditResult>(HttpMethod.Post, "workloads/labels", new EditLabels(edits, dryRun, call.Value(ProvisionCommand.Acknowledge) ?? [])).ConfigureAwait(false);
        call.Show(result, _ =>
        {
            var listing = new Listing("workload", "labels");
            foreach (var workload in result.Changed)
            {
                listing.Row(workload.Name, Words.Labels(workload.Labels));
            }

            listing.WriteTo(call.Terminal.Out, "The labels are so already; nothing changes.");
            if (result.EnforcingHostsAffected.Count > 0)
            {
                call.Terminal.Note($"The policy of {result.EnforcingHostsAffected.Count.Of("enforcing host")} {(result.Applied ? "changed" : "would change")}: {string.Join(", ", result.EnforcingHostsAffected)}");
            }

            if (!result.Applied)
            {
                call.Terminal.Note("Nothing was changed; this only shows what would be.");
            }
        });
    }

    private static async Task DeclareAsync(Call call, Func<IReadOnlyList<string>, IEnumerable<string>> edit)
    {
        var keys = await call.GetAsync<LabelKeys>("label-keys").ConfigureAwait(false);
        ShowKeys(call, await call.SendAsync<LabelKeys>(HttpMethod.Put, "label-keys", keys with { Declared = [.. edit(keys.Declared).Order(StringComparer.Ordinal)] }).ConfigureAwait(false));
    }

    private static void ShowKeys(Call call, LabelKeys keys) => call.Show(keys, _ =>
    {
        var listing = new Listing("key", "declared");
        foreach (var key in keys.BuiltIn)
        {
            listing.Row(key, "built in");
        }

        foreach (var key in keys.Declared)
        {
            listing.Row(key, "here");
        }

        listing.WriteTo(call.Terminal.Out, "");
    });
}
