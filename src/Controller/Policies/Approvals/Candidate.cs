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

    /// <summary>Whether the draft still says what was asked for; a revision always does.</summary>
    public static bool IsCurrent(ApprovalRow row, LiveSnapshot snapshot) =>
        row.Restores is not null || (DraftPlan.Of(snapshot, OnlyOf(row)).Value is { } plan && Revisions.HashOf(plan.Document) == row.Hash);

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
