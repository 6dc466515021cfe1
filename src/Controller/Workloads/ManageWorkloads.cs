using System.Security.Claims;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Pairing;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Bulkhead.Controller.Workloads;

/// <summary>Makes unmanaged workloads; removes, admits and quarantines workloads.</summary>
public static class ManageWorkloads
{
    /// <summary>Maps the endpoints.</summary>
    public static void Map(RouteGroupBuilder workloads)
    {
        workloads.MapPost("", CreateAsync).Requires(Permission.Label).WithSummary("Make an unmanaged workload, known by address only.");
        workloads.MapDelete("/{idOrName}", DeleteAsync).Requires(Permission.ManageAgents).WithSummary("Remove a workload; its agent's certificate is void at once.");
        workloads.MapPost("/{idOrName}/admit", AdmitAsync).Requires(Permission.ManageAgents).WithSummary("Let a paired workload enter others' policy.");
        workloads.MapPost("/{idOrName}/quarantine", QuarantineAsync).Requires(Permission.Quarantine).WithSummary("Cut a workload off from all but the responders, or end that.");
    }

    private static async Task<Results<Ok<WorkloadView>, ProblemResult>> CreateAsync(
        CreateWorkload request, ClaimsPrincipal user, Ledger ledger, WorkloadViews views, CancellationToken cancellation)
    {
        var outcome = await ledger.WriteAsync<WorkloadView>(user.Caller(), Permission.Label, async (edit, caller, token) =>
        {
            var problems = new List<Diagnostic>();
            InputChecks.Name(request.Name, "name", problems);
            var labels = InputChecks.Labels(request.Labels, "labels", edit.Before.LabelKeys, problems);
            var addresses = request.Addresses.Select((text, i) => Address(text, $"addresses[{i}]", edit.Before, problems)).OfType<IpAddress>().Distinct().ToList();
            if (request.Addresses.Count == 0)
            {
                problems.Add(Diagnostic.Error("no-addresses", "addresses", "An unmanaged workload is known by address only: write at least one."));
            }

            if (problems.Count > 0)
            {
                return Problems.Invalid(problems);
            }

            var reach = Reach.Of(caller, Permission.Label, edit.Before.LabelKeys);
            if (reach.RefuseUnlessUnbounded(AddressOnly(request.Name.Trim())) is { } outside)
            {
                return outside;
            }

            var row = new WorkloadRow { Id = Guid.CreateVersion7(edit.Now), Name = request.Name.Trim(), Labels = StoredText.Of(labels), Admitted = true, Version = 1 };
            row.Addresses.AddRange(addresses.Select(address => new AddressRow { Address = address.ToString() }));
            edit.Database.Workloads.Add(row);
            edit.Touch(new WorkloadId(row.Id));
            edit.Audit("workload.create", row.Name, $"An unmanaged workload with {string.Join(", ", addresses)} was made.");
            var after = await edit.PreviewAsync(token).ConfigureAwait(false);
            if (LiveEffect.Refuse(caller, LiveEffect.EnforcingHosts(edit.Before, after), [labels], edit.Before.LabelKeys) is { } beyond)
            {
                return beyond;
            }

            return await ViewAsync(edit, new(row.Id), views, token).ConfigureAwait(false);
        }, cancellation).ConfigureAwait(false);
        return outcome.Ok();
    }

    private static IpAddress? Address(string? text, string path, LiveSnapshot snapshot, List<Diagnostic> problems)
    {
        if (!IpAddress.TryParse(text ?? "", out var address))
        {
            problems.Add(Diagnostic.Error("bad-address", path, $"'{text}' is not an IP address. Write one such as 10.1.2.3 or fd00::1; a range of addresses is a network."));
            return null;
        }

        if (snapshot.Holders.TryGetValue(ScopedAddress.Of(address), out var holder))
        {
            problems.Add(Diagnostic.Error("address-held", path, $"{holder.Workload.Name} holds {address}. An address has one holder."));
        }

        return address;
    }

    private static async Task<Results<NoContent, ProblemResult>> DeleteAsync(string idOrName, ClaimsPrincipal user, Ledger ledger, CancellationToken cancellation)
    {
        var outcome = await EditAsync<bool>(idOrName, user, Permission.ManageAgents, ledger, async (edit, row, entry, token) =>
        {
            edit.Database.Workloads.Remove(row);
            if (await edit.Database.Observations.FindAsync([row.Id], token).ConfigureAwait(false) is { } observation)
            {
                edit.Database.Observations.Remove(observation);
            }

            edit.Audit("workload.delete", row.Name, entry.Agent is null ? "The workload was removed." : "The workload was removed, and its agent's certificate is void.",
                new { entry.Workload.Name, Labels = StoredText.ToDictionary(entry.Workload.Labels), Addresses = entry.Workload.Addresses.Select(a => a.ToString()) });
            return true;
        }, cancellation).ConfigureAwait(false);
        return outcome.NoContent();
    }

    private static async Task<Results<Ok<WorkloadView>, ProblemResult>> AdmitAsync(
        string idOrName, ClaimsPrincipal user, Ledger ledger, AgentDirectory directory, WorkloadViews views, CancellationToken cancellation)
    {
        var outcome = await EditAsync<WorkloadView>(idOrName, user, Permission.ManageAgents, ledger, async (edit, row, _, token) =>
        {
            if (!row.Admitted)
            {
                row.Admitted = true;
                edit.Audit("workload.admit", row.Name, "The workload was admitted: its addresses count in others' policy.");
            }

            return await ViewAsync(edit, new(row.Id), views, token).ConfigureAwait(false);
        }, cancellation).ConfigureAwait(false);
        if (outcome.Value is { } admitted)
        {
            directory.Clear(new(admitted.Id), Repairing.Code);
        }

        return outcome.Ok();
    }

    private static async Task<Results<Ok<WorkloadView>, ProblemResult>> QuarantineAsync(
        string idOrName, SetQuarantine request, ClaimsPrincipal user, Ledger ledger, WorkloadViews views, CancellationToken cancellation)
    {
        var problems = new List<Diagnostic>();
        InputChecks.Text(request.Reason, "reason", "A reason", problems);
        if (problems.Count > 0)
        {
            return new ProblemResult(Problems.Invalid(problems));
        }

        var outcome = await EditAsync<WorkloadView>(idOrName, user, Permission.Quarantine, ledger, async (edit, row, _, token) =>
        {
            if (row.Quarantined != request.Quarantined)
            {
                row.Quarantined = request.Quarantined;
                edit.Audit(request.Quarantined ? "workload.quarantine" : "workload.release", row.Name, request.Reason.Trim(), !request.Quarantined);
            }

            return await ViewAsync(edit, new(row.Id), views, token).ConfigureAwait(false);
        }, cancellation).ConfigureAwait(false);
        return outcome.Ok();
    }

    private static Task<Outcome<T>> EditAsync<T>(
        string idOrName, ClaimsPrincipal user, Permission permission, Ledger ledger, Func<Edit, WorkloadRow, WorkloadEntry, CancellationToken, Task<Outcome<T>>> change, CancellationToken cancellation) =>
        ledger.WriteAsync<T>(user.Caller(), permission, async (edit, caller, token) =>
        {
            var found = edit.Before.Find(idOrName);
            if (found.Refusal is { } refusal)
            {
                return refusal;
            }

            var reach = Reach.Of(caller, permission, edit.Before.LabelKeys);
            var workload = found.Value!.Workload;
            if ((workload.Managed ? reach.Refuse(reach.Covers(workload.Labels) ? [] : [workload.Name]) : reach.RefuseUnlessUnbounded(AddressOnly(workload.Name))) is { } outside)
            {
                return outside;
            }

            var row = (await edit.Database.Workloads.FindAsync([found.Value.Workload.Id.Value], token).ConfigureAwait(false))!;
            row.Version++;
            edit.Touch(found.Value.Workload.Id);
            return await change(edit, row, found.Value, token).ConfigureAwait(false);
        }, cancellation);

    /// <summary>
    /// What is known by address only could be anybody's host: who labels it first would have it within their scope, and cut it off. So it lies in no scope.
    /// </summary>
    private static string AddressOnly(string name) => $"{name}, known by address only,";

    private static async Task<WorkloadView> ViewAsync(Edit edit, WorkloadId id, WorkloadViews views, CancellationToken cancellation)
    {
        var after = await edit.PreviewAsync(cancellation).ConfigureAwait(false);
        return views.Of(after.Entries[id], after);
    }
}
