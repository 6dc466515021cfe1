using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace Bulkhead.Controller.Access;

/// <summary>Passwords of accounts: PBKDF2 with HMAC-SHA-512, as the framework's hasher makes it.</summary>
public sealed class Passwords
{
    /// <summary>The fewest characters of a password.</summary>
    public const int MinLength = 12;

    /// <summary>The most characters, so that hashing one stays cheap.</summary>
    public const int MaxLength = 256;

    /// <summary>Where the one-time password of the first account is kept until it is changed.</summary>
    public const string FirstRunFile = "first-run-password";

    private const string AdminName = "admin";

    // OWASP Password Storage Cheat Sheet: PBKDF2-HMAC-SHA512, 210,000 iterations.
    private readonly PasswordHasher<AccountRow> _hasher = new(Options.Create(new PasswordHasherOptions { IterationCount = 210_000 }));

    // Compared with when there is no such account, so that its absence cannot be timed.
    private readonly Lazy<AccountRow> _nobody;

    /// <summary>Hashes nothing yet.</summary>
    public Passwords() => _nobody = new(() =>
    {
        var nobody = new AccountRow();
        Set(nobody, Secrets.New(), oneTime: false);
        return nobody;
    });

    /// <summary>Whether a password is an account's; null stands for an account that is not there.</summary>
    public bool Verify(AccountRow? account, string password) =>
        password.Length <= MaxLength
        && (account ?? _nobody.Value) is var compared
        && _hasher.VerifyHashedPassword(compared, compared.PasswordHash, password) != PasswordVerificationResult.Failed
        && account is not null;

    /// <summary>Gives an account a password.</summary>
    public void Set(AccountRow account, string password, bool oneTime)
    {
        account.PasswordHash = _hasher.HashPassword(account, password);
        account.OneTime = oneTime;
    }

    /// <summary>Makes the first account if there is none.</summary>
    /// <returns>Its one-time password, which is also written to <see cref="FirstRunFile"/>; null if there are accounts.</returns>
    public async Task<string?> EnsureAdminAsync(Ledger ledger, DataFolder data, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        return await database.Accounts.AnyAsync(cancellation).ConfigureAwait(false)
            ? null
            : await ResetAdminAsync(ledger, data, "access.first-run", cancellation).ConfigureAwait(false);
    }

    /// <summary>Gives the account <c>admin</c>, made if need be, a one-time password, and ends its sessions.</summary>
    /// <returns>The password, which is also written to <see cref="FirstRunFile"/>.</returns>
    public async Task<string> ResetAdminAsync(Ledger ledger, DataFolder data, string action, CancellationToken cancellation)
    {
        var password = Secrets.NewPassword();
        data.WriteSecret(FirstRunFile, password + "\n");
        await ledger.WriteAsync<int>(
            Ledger.System,
            async (edit, token) =>
            {
                var account = await edit.Database.Accounts.SingleOrDefaultAsync(a => a.Name == AdminName, token).ConfigureAwait(false);
                if (account is null)
                {
                    account = new() { Id = Guid.CreateVersion7(edit.Now), Name = AdminName };
                    edit.Database.Accounts.Add(account);
                }

                // Who has the machine has everything: this is also the way back for owners who locked themselves out.
                account.Grants = StoredText.Of([new(AccessRole.Owner, null)]);
                Set(account, password, oneTime: true);
                edit.Touch(ChangeKind.Access, account.Id.ToString());
                edit.Audit(action, AdminName, "A one-time password was made on the controller's machine; earlier sessions ended.");
                return await edit.Database.Sessions.Where(s => s.AccountId == account.Id).ExecuteDeleteAsync(token).ConfigureAwait(false);
            },
            cancellation).ConfigureAwait(false);
        return password;
    }
}
