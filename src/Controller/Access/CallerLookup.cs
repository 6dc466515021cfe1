using Bulkhead.Controller.Storage;
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
        var now = time.GetUtcNow();
        var found = await (
            from session in database.Sessions.AsNoTracking()
            where session.TokenHash == tokenHash && session.Expires > now
            join account in database.Accounts on session.AccountId equals account.Id
            select new { session.Expires, Account = account }).SingleOrDefaultAsync(cancellation).ConfigureAwait(false);
        return found is null ? null : new(found.Account.Name, StoredText.Grants(found.Account.Grants), found.Account.Id, found.Account.Id, tokenHash, found.Account.OneTime, found.Expires);
    }

    /// <summary>An API key that has not expired; notes that it was used. It may no more than the account that it acts for, now.</summary>
    public async Task<Caller?> ByKeyAsync(string secretHash, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var now = time.GetUtcNow();
        var key = await database.ApiKeys.AsNoTracking()
            .SingleOrDefaultAsync(k => k.SecretHash == secretHash && (k.Expires == null || k.Expires > now), cancellation).ConfigureAwait(false);
        if (key is null)
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

        var caller = new Caller(key.Name, StoredText.Grants(key.Grants), null, key.AccountId, secretHash, false, key.Expires);
        if (key.AccountId is not { } id)
        {
            return caller;
        }

        var account = await database.Accounts.AsNoTracking().Where(a => a.Id == id).Select(a => a.Grants).SingleOrDefaultAsync(cancellation).ConfigureAwait(false);
        return account is null ? null : caller with { Grants = [.. GrantChecks.Within(caller.Grants, StoredText.Grants(account), live.Current.LabelKeys)] };
    }
}
