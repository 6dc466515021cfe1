using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage;

namespace Bulkhead.Controller.Access;

/// <summary>
/// Edits by callers. Between the headers of a request, with which the caller is authenticated, and its edit there may lie any time: a body can be sent
/// slowly, and edits wait for each other. So who they are, and what they may, is looked up again in the transaction.
/// </summary>
public static class CallerEdits
{
    /// <summary>Runs an edit of a caller who may something, with the caller as they are now.</summary>
    public static Task<Outcome<T>> WriteAsync<T>(
        this Ledger ledger, Caller caller, Permission permission, Func<Edit, Caller, CancellationToken, Task<Outcome<T>>> change, CancellationToken cancellation) =>
        ledger.WriteAsync<T>(caller, async (edit, now, token) => now switch
        {
            { MustChangePassword: true } => RefusalAnswers.MustChangePassword,
            _ when !now.May(permission) => RefusalAnswers.NotPermitted(now, permission),
            _ => await change(edit, now, token).ConfigureAwait(false),
        }, cancellation);

    /// <summary>Runs an edit that anybody signed in may make, with the caller as they are now.</summary>
    public static Task<Outcome<T>> WriteAsync<T>(this Ledger ledger, Caller caller, Func<Edit, Caller, CancellationToken, Task<Outcome<T>>> change, CancellationToken cancellation) =>
        ledger.WriteAsync<T>(caller.Actor, async (edit, token) =>
            await CallerLookup.AgainAsync(caller, edit.Database, edit.Now, edit.Before.LabelKeys, token).ConfigureAwait(false) is { } now
                ? await change(edit, now, token).ConfigureAwait(false)
                : RefusalAnswers.NotSignedIn,
            cancellation);
}
