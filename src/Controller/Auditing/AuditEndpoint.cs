using System.Globalization;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Auditing;

/// <summary><c>GET /api/v1/audit</c>: who did what, newest first.</summary>
public static class AuditEndpoint
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api) =>
        api.MapGet("/audit", ListAsync).Requires(Permission.Audit).WithSummary("The audit log, newest first, a page at a time.");

    private static async Task<Results<Ok<Page<AuditEntryView>>, ProblemResult>> ListAsync(long? after, int? limit, Ledger ledger, CancellationToken cancellation)
    {
        var size = limit ?? DefaultLimit;
        if (size is < 1 or > MaxLimit)
        {
            return new ProblemResult(Problems.Invalid([Diagnostic.Error("bad-limit", "limit", $"The limit is a number from 1 to {MaxLimit}.")]));
        }

        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var before = after ?? long.MaxValue;
        var rows = await database.Audit.AsNoTracking().Where(a => a.Sequence < before).OrderByDescending(a => a.Sequence).Take(size).ToListAsync(cancellation).ConfigureAwait(false);
        var total = await database.Audit.MaxAsync(a => (long?)a.Sequence, cancellation).ConfigureAwait(false) ?? 0;
        return TypedResults.Ok(new Page<AuditEntryView>(
            [.. rows.Select(a => new AuditEntryView(a.Sequence, a.At, a.Actor, a.Action, a.Subject, a.Detail, a.Hash))],
            total,
            rows.Count == size && rows[^1].Sequence > 1 ? rows[^1].Sequence.ToString(CultureInfo.InvariantCulture) : null));
    }
}
