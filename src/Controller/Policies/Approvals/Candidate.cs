using System.Text.Json;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Rules;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Policies.Approvals;

/// <summary>The policy that a request for approval is about, as it would be provisioned now.</summary>
/// <param name="Document">As written.</param>
/// <param name="Model">Checked.</param>
internal sealed record Candidate(PolicyDocument Document, PolicyModel Model)
{
    /// <summary>Of a new request.</summary>
    public static Task<Outcome<Candidate>> OfAsync(ControllerDb database, LiveSnapshot snapshot, RequestApproval request, CancellationToken cancellation) =>
        request.Restore is null && snapshot.DraftPolicy.Version != request.DraftVersion
            ? Task.FromResult<Outcome<Candidate>>(DraftEdit.Changed(snapshot.DraftPolicy.Version))
            : OfAsync(database, snapshot, request.Only, request.Restore, cancellation);

    /// <summary>Of one that was made.</summary>
    public static Task<Outcome<Candidate>> OfAsync(ControllerDb database, LiveSnapshot snapshot, ApprovalRow row, CancellationToken cancellation) =>
        OfAsync(database, snapshot, OnlyOf(row), row.Restores, cancellation);

    /// <summary>The changes that a request names.</summary>
    public static IReadOnlyList<string> OnlyOf(ApprovalRow row) => JsonSerializer.Deserialize<List<string>>(row.Only)!;

    /// <summary>Whether it depends on the draft if a request is void.</summary>
    public static bool MayBeCurrent(ApprovalRow row, LiveSnapshot snapshot) => row.Base == snapshot.Provisioned.Number && row.Restores is null && row.Revision is null;

    /// <summary>The hash of what the draft makes of changes that are named as a row keeps them; null if they are not there, or do not stand by themselves.</summary>
    public static string? HashOf(string only, LiveSnapshot snapshot) =>
        DraftPlan.Of(snapshot, JsonSerializer.Deserialize<List<string>>(only)!).Value is { } plan ? Revisions.HashOf(plan.Document) : null;

    private static async Task<Outcome<Candidate>> OfAsync(ControllerDb database, LiveSnapshot snapshot, IReadOnlyList<string>? only, long? restore, CancellationToken cancellation)
    {
        if (restore is not { } number)
        {
            return DraftPlan.Of(snapshot, only).Select(plan => new Candidate(plan.Document, plan.Model));
        }

        if (await database.Revisions.AsNoTracking().SingleOrDefaultAsync(row => row.Number == number, cancellation).ConfigureAwait(false) is not { } revision)
        {
            return Problems.NotFound("revision", number.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        var document = StoredText.Policy(revision.Document);
        var model = PolicyParser.Parse(document, snapshot.LabelKeys);
        return model.Value is { } value ? new Candidate(document, value) : Problems.Invalid(model.Diagnostics);
    }
}
