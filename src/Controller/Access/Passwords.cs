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

    /// <summary>The first account.</summary>
    public const string AdminName = "admin";

    // The hasher takes an account and does not look at it.
    private static readonly AccountRow s_anybody = new();

    // OWASP Password Storage Cheat Sheet: PBKDF2-HMAC-SHA512, 210,000 iterations.
    private readonly PasswordHasher<AccountRow> _hasher = new(Options.Create(new PasswordHasherOptions { IterationCount = 210_000 }));

    // Compared with when there is no such account, so that its absence cannot be timed.
    private readonly Lazy<AccountRow> _nobody;

    /// <summary>Hashes nothing yet.</summary>
    public Passwords() => _nobody = new(() => new() { PasswordHash = Hash(Secrets.New()) });

    /// <summary>Whether a password is an account's; null stands for an account that is not there.</summary>
    public bool Verify(AccountRow? account, string password) =>
        password.Length <= MaxLength
        && (account ?? _nobody.Value) is var compared
        && _hasher.VerifyHashedPassword(compared, compared.PasswordHash, password) != PasswordVerificationResult.Failed
        && account is not null;

    /// <summary>What an account keeps of a password. It takes time: make it before an edit, for which others wait.</summary>
    public string Hash(string password) => _hasher.HashPassword(s_anybody, password);

    /// <summary>Makes the first account if there is none.</summary>
    /// <returns>Its one-time password, which is also written to <see cref="FirstRunFile"/>; null if there are accounts.</returns>
    public async Task<string?> EnsureAdminAsync(Ledger ledger, DataFolder data, CancellationToken cancellation)
    {
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        return await database.Accounts.AnyAsync(cancellation).ConfigureAwait(false)
            ? null
            : await ResetAdminAsync(ledger, data, "access.first-run", cancellation).ConfigureAwait(false);
    }

    /// <summary>Gives the account <c>admin</c>, made if need be, a one-time password, ends its sessions and revokes its API keys.</summary>
    /// <param name="ledger">The writer.</param>
    /// <param name="data">Where the password is kept.</param>
    /// <param name="action">For the audit log.</param>
    /// <param name="cancellation">Counts until the commit begins.</param>
    /// <param name="keepKeys">Whether the account's API keys stay; they do nothing until the password was changed.</param>
    /// <returns>The password, which is also written to <see cref="FirstRunFile"/>.</returns>
    public async Task<string> ResetAdminAsync(Ledger ledger, DataFolder data, string action, CancellationToken cancellation, bool keepKeys = false)
    {
        var password = Secrets.NewPassword();
        var hash = Hash(password);
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
                edit.Touch(ChangeKind.Access, account.Id.ToString());
                return (await AccountKeys.ResetAsync(edit, account, hash, keepKeys, action, "A one-time password was made on the controller's machine", token).ConfigureAwait(false)).Count;
            },
            cancellation).ConfigureAwait(false);
        return password;
    }
}
