using System.CommandLine;
using System.Globalization;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy.Documents;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Policies;

/// <summary><c>bulkhead approvals</c>: what only two people together may provision, and their asking and approving.</summary>
internal static class ApprovalsCommand
{
    private const string Path = "policy/approvals";
    private static readonly Argument<long> Number = new("N") { Description = "The request's number." };
    private static readonly Option<bool> Policy = new("--policy") { Description = "Its whole policy instead." };
    private static readonly Option<string> Note = new("--note") { Description = "Why.", HelpName = "TEXT", Required = true };
    private static readonly Option<long?> Restore = new("--restore") { Description = "Ask for the restoring of this revision, in place of the draft.", HelpName = "N" };
    private static readonly Option<string[]> Scope = new("--scope") { Description = "From now on changes for workloads of this selector take a second person; repeat for more.", HelpName = "SELECTOR" };
    private static readonly Option<bool> None = new("--none") { Description = "From now on no change takes a second person." };

    public static Command Create(CliHost host) => new Command("approvals", "Have a second person approve what is provisioned.").With(
        new Command("list", "List requests, newest first.").Runs(host, ListAsync),
        new Command("request", "Ask for approval of the draft, or of some of its changes; nothing is enforced yet.").With(Note, ProvisionCommand.Only, Restore).Runs(host, RequestAsync),
        new Command("show", "Show what a request would do in place of the revision in force.").With(Number, Policy).Runs(host, ShowAsync),
        new Command("approve", "Show what somebody else asked for, and approve it; they provision it then.").With(Number, CommonOptions.Yes).Runs(host, ApproveAsync),
        new Command("withdraw", "Withdraw a request, or the approval of one.").With(Number).Runs(host, async call =>
        {
            await call.SendAsync(HttpMethod.Delete, Query.Path(Path, call.Value(Number))).ConfigureAwait(false);
            call.Done($"Request {call.Value(Number)} is withdrawn.");
        }),
        new Command("scopes", "Show, or as an owner set, what takes a second person.").With(Scope, None).Runs(host, ScopesAsync));

    private static async Task ListAsync(Call call) => call.Show(await ReadAsync(call).ConfigureAwait(false), requests =>
    {
        var listing = new Listing("request", "state", "when", "who", "note", "changes", "approved by");
        foreach (var request in requests)
        {
            listing.Row(
                request.Number.Text(),
                request.Revision is { } revision ? $"revision {revision}" : Words.Name(request.State),
                request.Requested.Ago(call.Now),
                request.RequestedBy,
                request.Note,
                request.Restore is { } restore ? $"restores {restore}" : string.Join(", ", request.Changes.Select(change => $"{change.Kind} {change.Name}".TrimEnd())),
                request.ApprovedBy ?? "-");
        }

        listing.WriteTo(call.Terminal.Out, "Nobody has asked for approval.");
    });

    private static async Task RequestAsync(Call call)
    {
        if (call.Value(Restore) is not null && call.Value(ProvisionCommand.Only) is { Length: > 0 })
        {
            throw Failure.Usage("--restore and --only contradict each other: a revision is restored whole.");
        }

        var draft = await call.GetAsync<DraftStatus>("policy/draft/changes").ConfigureAwait(false);
        var body = new RequestApproval(call.Required(Note), draft.DraftVersion, call.Value(ProvisionCommand.Only), call.Value(Restore));
        call.Show(await call.SendAsync<ApprovalView>(HttpMethod.Post, Path, body).ConfigureAwait(false), request =>
        {
            DraftEdit.Changes(request.Changes).WriteTo(call.Terminal.Out, "");
            call.Done($"Request {request.Number} waits for somebody else: bulkhead approvals approve {request.Number}");
        });
    }

    private static async Task<int> ApproveAsync(Call call)
    {
        var number = call.Value(Number);
        var request = (await ReadAsync(call).ConfigureAwait(false)).FirstOrDefault(request => request.Number == number)
            ?? throw new Failure(ExitCode.NotFound, $"There is no request {number}.", "See: bulkhead approvals list");
        // What the request keeps, not what the draft says by now.
        var plan = await PlanAsync(call, number).ConfigureAwait(false);
        PlanSheet.Write(call, plan, call.Terminal.Error);
        call.Terminal.Note($"{request.RequestedBy} asks{(request.Restore is { } restore ? $" to restore revision {restore}" : "")}: {request.Note}");
        call.Terminal.Note($"Its whole policy: bulkhead approvals show {number} --policy");
        if (!call.Confirmed("Approve this?"))
        {
            call.Terminal.Note("Nothing was changed.");
            return ExitCode.Refused;
        }

        call.Show(await call.SendAsync<ApprovalView>(HttpMethod.Post, Query.Path(Path, number) + "/approve").ConfigureAwait(false), _ =>
            call.Done($"Request {number} is approved. Whoever may provision it can do so now."));
        return ExitCode.Ok;
    }

    private static async Task ShowAsync(Call call)
    {
        var number = call.Value(Number);
        if (call.Value(Policy))
        {
            call.Show(await call.GetAsync<PolicyDocument>(Query.Path(Path, number) + "/policy").ConfigureAwait(false), policy => call.Terminal.WriteText(Formatter.Write(policy)));
            return;
        }

        call.Show(await PlanAsync(call, number).ConfigureAwait(false), plan => PlanSheet.Write(call, plan, call.Terminal.Out));
    }

    private static async Task ScopesAsync(Call call)
    {
        const string Setting = "settings/approval";
        var scopes = call.Value(Scope) ?? [];
        if (scopes.Length > 0 && call.Value(None))
        {
            throw Failure.Usage("--scope and --none contradict each other.");
        }

        var setting = scopes.Length > 0 || call.Value(None)
            ? await call.SendAsync<ApprovalSetting>(HttpMethod.Put, Setting, new ApprovalSetting(scopes)).ConfigureAwait(false)
            : await call.GetAsync<ApprovalSetting>(Setting).ConfigureAwait(false);
        call.Show(setting, _ => call.Terminal.WriteText(string.Create(CultureInfo.InvariantCulture, $"{(setting.Scopes.Count == 0
            ? "Nothing takes a second person."
            : $"A second person approves what is provisioned for: {string.Join(" or ", setting.Scopes)}")}\n")));
    }

    private static Task<ProvisionPlan> PlanAsync(Call call, long number) => call.GetAsync<ProvisionPlan>(Query.Path(Path, number) + "/plan");

    private static Task<ApprovalView[]> ReadAsync(Call call) => call.GetAsync<ApprovalView[]>(Path);
}
