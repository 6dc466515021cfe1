using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Workloads;

/// <summary><c>bulkhead workloads</c>: hosts with an agent, and addresses without one.</summary>
internal static class WorkloadsCommand
{
    private static readonly Argument<string> Name = new("NAME") { Description = "The workload's name or id." };
    private static readonly Argument<string[]> Names = new("NAME") { Description = "Names or ids.", Arity = ArgumentArity.OneOrMore };
    private static readonly Option<string?> Select = new("--select", "-s") { Description = "Only those that a selector chooses, such as app=shop,env=prod.", HelpName = "SELECTOR" };
    private static readonly Option<string?> Search = new("--search") { Description = "Only those with this in their name, labels or addresses.", HelpName = "TEXT" };
    private static readonly Option<int> Limit = CommonOptions.Limit(1000);
    private static readonly Option<string[]> Addresses = new("--address", "-a") { Description = "An address; repeat for more.", HelpName = "ADDRESS", Required = true };
    private static readonly Option<string[]> Labels = CommonOptions.Labels("A label");
    private static readonly Option<string> Reason = new("--reason") { Description = "Why; it goes into the audit log.", HelpName = "TEXT", Required = true };

    public static Command Create(CliHost host) => new Command("workloads", "List, show and control workloads.").With(
        new Command("list", "List workloads.").With(Select, Search, Limit).Runs(host, ListAsync),
        new Command("show", "Show all that is known of a workload, with its policy in sentences.").With(Name).Runs(host, async call =>
            call.Show(await call.GetAsync<WorkloadDetail>(Query.Path("workloads", call.Value(Name))).ConfigureAwait(false), detail => WorkloadSheet.Write(call, detail))),
        new Command("create", "Make an unmanaged workload, known by its addresses.").With(Name, Addresses, Labels).Runs(host, CreateAsync),
        new Command("delete", "Delete a workload; its agent's certificate is revoked.").With(Name, CommonOptions.Yes).Runs(host, DeleteAsync),
        new Command("admit", "Let newly paired workloads enter others' policy.").With(Names).Runs(host, AdmitAsync),
        new Command("quarantine", "Cut a workload off from everything but the responders.").With(Name, Reason, CommonOptions.Yes).Runs(host, QuarantineAsync),
        new Command("release", "End a quarantine.").With(Name, Reason).Runs(host, call => SetQuarantineAsync(call, false)));

    private static async Task ListAsync(Call call)
    {
        var path = Query.Add("workloads", ("select", call.Value(Select)), ("q", call.Value(Search)));
        var page = await call.GetAllAsync<WorkloadView>(path, call.Value(Limit)).ConfigureAwait(false);
        call.Show(page, _ =>
        {
            var listing = new Listing("name", "labels", "mode", "state", "policy", "addresses", "last seen");
            foreach (var workload in page.Items)
            {
                listing.Row(
                    workload.Name,
                    Words.Labels(workload.Labels),
                    Words.Modes(workload.Inbound, workload.Outbound),
                    WorkloadSheet.State(workload),
                    workload.AppliedGeneration ?? "-",
                    string.Join(' ', workload.Addresses),
                    workload.Managed ? workload.LastSeen.Ago(call.Now) : "-");
            }

            listing.WriteTo(call.Terminal.Out, "No workloads. Pair a host: bulkhead pairing-keys create NAME --network CIDR");
            call.NoteMore(page);
        });
    }

    private static async Task CreateAsync(Call call)
    {
        var request = new CreateWorkload(call.Value(Name), CommonOptions.LabelsOf(call.Value(Labels)), call.Required(Addresses));
        var created = await call.SendAsync<WorkloadView>(HttpMethod.Post, "workloads", request).ConfigureAwait(false);
        call.Show(created, _ => call.Done($"Made {created.Name} with {string.Join(", ", created.Addresses)}."));
    }

    private static async Task DeleteAsync(Call call)
    {
        if (call.Confirmed($"Delete {call.Value(Name)}? An agent on it has to be paired again."))
        {
            await call.SendAsync(HttpMethod.Delete, Query.Path("workloads", call.Value(Name))).ConfigureAwait(false);
            call.Done($"Deleted {call.Value(Name)}.");
        }
    }

    private static async Task AdmitAsync(Call call)
    {
        var admitted = new List<WorkloadView>();
        foreach (var name in call.Value(Names))
        {
            admitted.Add(await call.SendAsync<WorkloadView>(HttpMethod.Post, Query.Path("workloads", name) + "/admit").ConfigureAwait(false));
        }

        call.Show(admitted, _ => call.Done($"Admitted {string.Join(", ", admitted.Select(workload => workload.Name))}."));
    }

    private static async Task QuarantineAsync(Call call)
    {
        if (call.Confirmed($"Cut {call.Value(Name)} off from everything but the responders, now?"))
        {
            await SetQuarantineAsync(call, true).ConfigureAwait(false);
        }
    }

    private static async Task SetQuarantineAsync(Call call, bool quarantined)
    {
        var workload = await call.SendAsync<WorkloadView>(HttpMethod.Post, Query.Path("workloads", call.Value(Name)) + "/quarantine", new SetQuarantine(quarantined, call.Required(Reason))).ConfigureAwait(false);
        call.Show(workload, _ => call.Done(workload.Quarantined ? $"{workload.Name} is quarantined." : $"{workload.Name} is no longer quarantined."));
    }
}
