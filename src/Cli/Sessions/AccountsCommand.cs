using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Sessions;

/// <summary><c>bulkhead accounts</c>: people, and what they may do.</summary>
internal static class AccountsCommand
{
    private static readonly Argument<string> Name = new("NAME") { Description = "The account's name." };
    private static readonly Option<bool> Add = new("--add") { Description = "Keep what the account may do already." };
    private static readonly Option<bool> KeepKeys = new("--keep-keys") { Description = "Keep its API keys; they work again when the password was changed." };

    public static Command Create(CliHost host) => new Command("accounts", "Make, list, grant and remove accounts of people.").With(
        new Command("list", "List the accounts.").Runs(host, ListAsync),
        new Command("create", "Make an account; its one-time password is shown this once.").With(Name, GrantOptions.Roles, GrantOptions.Scope, CommonOptions.SecretFile).Runs(host, call =>
            PasswordAsync(call, "accounts", new CreateAccount(call.Value(Name), GrantOptions.Of(call)))),
        new Command("grant", "Say what an account may do, from its next request on.").With(Name, GrantOptions.Roles, GrantOptions.Scope, Add).Runs(host, GrantAsync),
        new Command("reset-password", "Give an account a one-time password; its sessions end, and its keys are revoked.").With(Name, CommonOptions.SecretFile, KeepKeys).Runs(host, call =>
            PasswordAsync(call, Query.Path("accounts", call.Value(Name), "reset-password") + (call.Value(KeepKeys) ? "?keepKeys=true" : ""), new { })),
        new Command("remove", "Remove an account; its keys are revoked.").With(Name).Runs(host, async call =>
        {
            await call.SendAsync(HttpMethod.Delete, Query.Path("accounts", call.Value(Name))).ConfigureAwait(false);
            call.Done($"Removed {call.Value(Name)}.");
        }));

    private static async Task ListAsync(Call call)
    {
        var accounts = await call.GetAsync<AccountView[]>("accounts").ConfigureAwait(false);
        call.Show(accounts, _ =>
        {
            var listing = new Listing("name", "may", "password");
            foreach (var account in accounts)
            {
                listing.Row(account.Name, GrantOptions.Text(account.Grants), account.MustChangePassword ? "one-time" : "own");
            }

            listing.WriteTo(call.Terminal.Out, "");
        });
    }

    private static async Task GrantAsync(Call call)
    {
        var name = call.Value(Name);
        IReadOnlyList<Grant> held = call.Value(Add)
            ? (await call.GetAsync<AccountView[]>("accounts").ConfigureAwait(false)).FirstOrDefault(account => account.Name == name)?.Grants ?? []
            : [];
        var account = await call.SendAsync<AccountView>(HttpMethod.Put, Query.Path("accounts", name, "grants"), new SetGrants([.. held, .. GrantOptions.Of(call)])).ConfigureAwait(false);
        call.Show(account, _ => call.Done($"{account.Name} may from now on: {GrantOptions.Text(account.Grants)}."));
    }

    private static async Task PasswordAsync(Call call, string path, object request)
    {
        var made = await call.SendAsync<AccountPassword>(HttpMethod.Post, path, request).ConfigureAwait(false);
        if (made.RevokedKeys.Count > 0)
        {
            call.Terminal.Note($"Revoked with it: {string.Join(", ", made.RevokedKeys)}.");
        }

        if (call.Value(CommonOptions.SecretFile) is { } file)
        {
            PrivateFile.WriteSecret(file, made.OneTimePassword);
            call.Show(made.Account, _ => call.Done($"The one-time password of {made.Account.Name} is in {file}."));
        }
        else
        {
            call.Show(made, _ =>
            {
                call.Terminal.Note($"The one-time password of {made.Account.Name}, shown this once:");
                call.Terminal.Out.WriteLine(made.OneTimePassword);
            });
        }
    }
}
