using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Sessions;

/// <summary>A session of an account for one command, opened with its password and ended with the command: for what a key may not do.</summary>
internal static class PasswordSession
{
    public static Option<FileInfo?> PasswordFile { get; } = new("--password-file") { Description = "Read the password from a file instead of asking.", HelpName = "FILE" };

    public static async Task<T> RunAsync<T>(Call call, Uri url, X509Certificate2 authority, string user, Func<ControllerClient, SessionView, string, Task<T>> work)
    {
        var password = call.Value(PasswordFile) is { } file
            ? PrivateFile.ReadSecret(file)
            : call.Terminal.AskSecret($"Password of {user}:", "Use --password-file FILE.");
        using var controller = new ControllerClient(url, authority, key: null);
        var session = await call.WaitAsync("Signing in", controller.SendAsync<SessionView>(HttpMethod.Post, "session", new SignIn(user, password), call.Cancel)).ConfigureAwait(false);
        try
        {
            return await work(controller, session, password).ConfigureAwait(false);
        }
        finally
        {
            await EndAsync(controller).ConfigureAwait(false);
        }
    }

    private static async Task EndAsync(ControllerClient controller)
    {
        try
        {
            await controller.SendAsync(HttpMethod.Delete, "session", null, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Failure)
        {
            // The session ends by itself; whether the command worked is decided elsewhere.
        }
    }
}
