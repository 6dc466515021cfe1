using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Access;

/// <summary>Finds callers by the hash of their secret.</summary>
public sealed class CallerLookup(Ledger ledger, LiveState live, TimeProvider time)
{
    private static readonly TimeSpan s_usePrecision = TimeSpan.FromMinutes(1);

    /// <summary>The account of a session that has not ended.</summary>
    public async Task<Caller?> BySessionAsync(string tokenHash, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        return await SessionAsync(database, tokenHash, time.GetUtcNow(), cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// An API key that has not expired; notes that it was used. It may no more than the account that it acts for, now, and nothing while that has a
    /// one-time password.
    /// </summary>
    public async Task<Caller?> ByKeyAsync(string secretHash, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var now = time.GetUtcNow();
        if (await KeyAsync(database, secretHash, now, live.Current.LabelKeys, cancellation).ConfigureAwait(false) is not var (key, caller))
        {
            return null;
        }

        if (key.LastUsed is not { } used || now - used >= s_usePrecision)
        {
            await ledger.WriteAsync<int>(
                Ledger.System,
                async (edit, token) => await edit.Database.ApiKeys.Where(k => k.Id == key.Id)
                    .ExecuteUpdateAsync(set => set.SetProperty(k => k.LastUsed, now), token).ConfigureAwait(false),
                cancellation).ConfigureAwait(false);
        }

        return caller;
    }

    /// <summary>A caller who was found before, as they are now; null if their session or key is no longer.</summary>
    public Task<Caller?> AgainAsync(Caller caller, CancellationToken cancellation) =>
        caller.Account is null ? ByKeyAsync(caller.TokenHash, cancellation) : BySessionAsync(caller.TokenHash, cancellation);

    /// <summary>The same within a transaction.</summary>
    internal static async Task<Caller?> AgainAsync(Caller caller, ControllerDb database, DateTimeOffset now, IReadOnlySet<string> labelKeys, CancellationToken cancellation) => caller.Account is null
        ? (await KeyAsync(database, caller.TokenHash, now, labelKeys, cancellation).ConfigureAwait(false))?.Caller
        : await SessionAsync(database, caller.TokenHash, now, cancellation).ConfigureAwait(false);

    private static async Task<Caller?> SessionAsync(ControllerDb database, string tokenHash, DateTimeOffset now, CancellationToken cancellation)
    {
        var found = await (
            from session in database.Sessions.AsNoTracking()
            where session.TokenHash == tokenHash && session.Expires > now
            join account in database.Accounts.AsNoTracking() on session.AccountId equals account.Id
            select new { session.Expires, Account = account }).SingleOrDefaultAsync(cancellation).ConfigureAwait(false);
        return found is null ? null : new(found.Account.Name, StoredText.Grants(found.Account.Grants), found.Account.Id, found.Account.Id, tokenHash, found.Account.OneTime, found.Expires);
    }

    private static async Task<(ApiKeyRow Key, Caller Caller)?> KeyAsync(
        ControllerDb database, string secretHash, DateTimeOffset now, IReadOnlySet<string> labelKeys, CancellationToken cancellation)
    {
        var key = await database.ApiKeys.AsNoTracking()
            .SingleOrDefaultAsync(k => k.SecretHash == secretHash && (k.Expires == null || k.Expires > now), cancellation).ConfigureAwait(false);
        if (key is null)
        {
            return null;
        }

        var caller = new Caller(key.Name, StoredText.Grants(key.Grants), null, key.AccountId, secretHash, false, key.Expires);
        if (key.AccountId is not { } id)
        {
            return (key, caller);
        }

        var account = await database.Accounts.AsNoTracking().SingleOrDefaultAsync(a => a.Id == id, cancellation).ConfigureAwait(false);
        return account is null or { OneTime: true }
            ? null
            : (key, caller with { Owner = account.Name, Grants = [.. GrantChecks.Within(caller.Grants, StoredText.Grants(account.Grants), labelKeys)] });
    }
}
