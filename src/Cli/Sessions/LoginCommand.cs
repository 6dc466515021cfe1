using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Sessions;

/// <summary><c>bulkhead login</c>: proves the controller, then the person, and keeps an API key of its own for later commands.</summary>
internal static class LoginCommand
{
    private const int ShortestPassword = 12;

    private static readonly Argument<string> Url = new("URL") { Description = "The controller's address, such as https://controller:8443." };
    private static readonly Option<FileInfo?> CaFile = new("--ca-file") { Description = "The controller's CA certificate (DIR/ca.crt there).", HelpName = "FILE" };
    private static readonly Option<string?> CaSha256 = new("--ca-sha256") { Description = "The SHA-256 of that certificate (DIR/ca.sha256 there).", HelpName = "FINGERPRINT" };
    private static readonly Option<string> User = new("--user", "-u") { Description = "Who you are.", HelpName = "NAME", DefaultValueFactory = _ => "admin" };
    private static readonly Option<FileInfo?> NewPasswordFile = new("--new-password-file") { Description = "If the password is a one-time one: read the new one from a file instead of asking.", HelpName = "FILE" };
    private static readonly Option<FileInfo?> KeyFile = new("--key-file") { Description = "Use the API key in a file; no password is needed.", HelpName = "FILE" };
    private static readonly Option<Duration> ExpiresIn = CommonOptions.Duration("--expires-in", "How long the sign-in lasts", TimeSpan.FromDays(30));

    public static Command Create(CliHost host) => new Command("login", "Sign in to a controller.")
        .With(Url, CaFile, CaSha256, User, PasswordSession.PasswordFile, NewPasswordFile, KeyFile, ExpiresIn)
        .Runs(host, RunAsync);

    private static async Task RunAsync(Call call)
    {
        var url = ControllerUrl(call.Value(Url));
        using var authority = await AuthorityAsync(call, url).ConfigureAwait(false);
        var profile = call.Value(KeyFile) is { } keyFile
            ? await WithKeyAsync(call, url, authority, PrivateFile.ReadSecret(keyFile)).ConfigureAwait(false)
            : await WithPasswordAsync(call, url, authority).ConfigureAwait(false);
        call.Host.Profile.Save(profile);
        call.Done($"Signed in to {url} as {profile.User}. The key is in {call.Host.Profile.Path}.");
    }

    private static Uri ControllerUrl(string text)
    {
        if (!Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttps || url.UserInfo.Length > 0 || url.Query.Length > 0)
        {
            throw Failure.Usage($"'{text}' is not a controller's address.", "Write it like https://controller:8443.");
        }

        return url;
    }

    private static async Task<X509Certificate2> AuthorityAsync(Call call, Uri url)
    {
        var authority = (call.Value(CaFile), call.Value(CaSha256)) switch
        {
            (null, null) => throw Failure.Usage("Say which controller you trust.", "Add --ca-sha256 FINGERPRINT (DIR/ca.sha256 on the controller), or --ca-file FILE (DIR/ca.crt)."),
            ({ } file, _) => Authority.FromPem(PrivateFile.Read(file), file.ToString()),
            (_, { } fingerprint) => await call.WaitAsync("Asking for the authority", Authority.FetchAsync(url, fingerprint, call.Cancel)).ConfigureAwait(false),
        };
        return authority;
    }

    private static async Task<Profile> WithKeyAsync(Call call, Uri url, X509Certificate2 authority, string key)
    {
        using var controller = new ControllerClient(url, authority, key);
        var session = await call.WaitAsync("Signing in", controller.GetAsync<SessionView>("session", call.Cancel)).ConfigureAwait(false);
        return new(url, authority.ExportCertificatePem(), session.User, null, key);
    }

    private static Task<Profile> WithPasswordAsync(Call call, Uri url, X509Certificate2 authority) =>
        PasswordSession.RunAsync(call, url, authority, call.Required(User), async (controller, session, password) =>
        {
            if (session.MustChangePassword)
            {
                var change = new ChangePassword(password, NewPassword(call));
                session = await call.WaitAsync("Changing the password", controller.SendAsync<SessionView>(HttpMethod.Post, "session/password", change, call.Cancel)).ConfigureAwait(false);
                call.Terminal.Note("The one-time password is replaced by the new one.");
            }

            var key = await MakeKeyAsync(call, controller, session).ConfigureAwait(false);
            return new Profile(url, authority.ExportCertificatePem(), session.User, key.Key.Id, key.Secret);
        });

    private static async Task<CreatedApiKey> MakeKeyAsync(Call call, ControllerClient controller, SessionView session)
    {
        // An account's keys have different names, and the same person may sign in twice on a machine.
        var name = $"bulkhead of {Environment.UserName} on {Environment.MachineName} ({Guid.NewGuid().ToString("N")[..8]})";
        return await controller.SendAsync<CreatedApiKey>(HttpMethod.Post, "api-keys", new CreateApiKey(name, session.Grants, call.Now + call.Value(ExpiresIn).Length), call.Cancel).ConfigureAwait(false);
    }

    private static string NewPassword(Call call)
    {
        if (call.Value(NewPasswordFile) is { } file)
        {
            return PrivateFile.ReadSecret(file);
        }

        call.Terminal.Note($"This is a one-time password. Choose a new one, of at least {ShortestPassword} characters.");
        var chosen = call.Terminal.AskSecret("New password:", "Use --new-password-file FILE.");
        return chosen == call.Terminal.AskSecret("Once more:", "Use --new-password-file FILE.")
            ? chosen
            : throw Failure.Usage("The two differ; the password was not changed.");
    }
}
