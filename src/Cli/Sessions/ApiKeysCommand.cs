using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Sessions;

/// <summary><c>bulkhead api-keys</c>: keys for programs.</summary>
internal static class ApiKeysCommand
{
    private static readonly Argument<string> Name = new("NAME") { Description = "For people." };
    private static readonly Argument<Guid> Id = new("ID") { Description = "As listed." };
    private static readonly Option<Duration> ExpiresIn = CommonOptions.Duration("--expires-in", "When it stops to work", TimeSpan.FromDays(90));

    public static Command Create(CliHost host) => new Command("api-keys", "Make, list and revoke keys for programs.").With(
        new Command("create", "Make a key; its secret is shown this once. It takes your password: keys make no keys.").With(Name, GrantOptions.Roles, GrantOptions.Scope, ExpiresIn, CommonOptions.SecretFile, PasswordSession.PasswordFile).Runs(host, CreateAsync),
        new Command("list", "List the keys.").Runs(host, ListAsync),
        new Command("revoke", "Revoke a key at once.").With(Id).Runs(host, async call =>
        {
            await call.SendAsync(HttpMethod.Delete, Query.Path("api-keys", call.Value(Id))).ConfigureAwait(false);
            call.Done($"Revoked {call.Value(Id)}.");
        }));

    private static async Task CreateAsync(Call call)
    {
        var profile = call.Host.Profile.Load();
        if (profile.KeyId is null)
        {
            throw Failure.Usage("You are signed in with an API key, and keys make no keys.", "Sign in with an account: bulkhead login URL --user NAME.");
        }

        var request = new CreateApiKey(call.Value(Name), GrantOptions.Of(call), call.Now + call.Value(ExpiresIn).Length);
        using var authority = Authority.FromPem(profile.Authority, call.Host.Profile.Path);
        var created = await PasswordSession.RunAsync(call, profile.Url, authority, profile.User, (controller, _, _) =>
            call.WaitAsync("Waiting for the controller", controller.SendAsync<CreatedApiKey>(HttpMethod.Post, "api-keys", request, call.Cancel))).ConfigureAwait(false);
        if (call.Value(CommonOptions.SecretFile) is { } file)
        {
            PrivateFile.WriteSecret(file, created.Secret);
            call.Show(created.Key, _ => call.Done($"The key is in {file}."));
        }
        else
        {
            call.Show(created, _ =>
            {
                call.Terminal.Note("The key, shown this once:");
                call.Terminal.Out.WriteLine(created.Secret);
            });
        }
    }

    private static async Task ListAsync(Call call)
    {
        var keys = await call.GetAsync<ApiKeyView[]>("api-keys").ConfigureAwait(false);
        call.Show(keys, _ =>
        {
            var listing = new Listing("id", "name", "may", "made by", "made", "expires", "last used");
            foreach (var key in keys)
            {
                listing.Row(key.Id.ToString(), key.Name, GrantOptions.Text(key.Grants), key.CreatedBy, key.Created.Ago(call.Now), key.Expires.Ago(call.Now), key.LastUsed.Ago(call.Now));
            }

            listing.WriteTo(call.Terminal.Out, "There are no API keys. Make one with: bulkhead api-keys create NAME");
        });
    }
}
