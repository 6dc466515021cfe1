using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;

namespace Bulkhead.Cli.Sessions;

/// <summary><c>bulkhead logout</c>: revokes the key that signing in made, and forgets it.</summary>
internal static class LogoutCommand
{
    public static Command Create(CliHost host) => new Command("logout", "Sign out: revoke the key of this sign-in, and forget it.").Runs(host, async call =>
    {
        if (call.Host.Profile.Load() is { KeyId: { } id })
        {
            try
            {
                await call.SendAsync(HttpMethod.Delete, Query.Path("api-keys", id)).ConfigureAwait(false);
            }
            catch (Failure failure) when (failure.ExitCode is ExitCode.NotSignedIn or ExitCode.NotFound)
            {
                call.Terminal.Note("The key was no longer valid.");
            }
        }

        call.Host.Profile.Delete();
        call.Done("Signed out.");
    });
}
