using System.Net.Sockets;
using System.Security.Authentication;

namespace Bulkhead.Cli.Connection;

/// <summary>Turns what the network throws into a <see cref="Failure"/> that says which of the usual causes it was.</summary>
internal static class Unreachable
{
    public static bool Describes(Exception error, CancellationToken cancel) =>
        error is HttpRequestException or IOException || (error is OperationCanceledException && !cancel.IsCancellationRequested);

    public static Failure From(Exception error, Uri controller)
    {
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case AuthenticationException:
                    return new(ExitCode.Unreachable, $"{controller} did not prove that it is your controller: {cause.Message}", "If its data folder was made anew, sign in again: bulkhead login URL --ca-sha256 FINGERPRINT");
                case SocketException { SocketErrorCode: SocketError.ConnectionRefused }:
                    return new(ExitCode.Unreachable, $"Nothing listens at {controller}.", "Is the controller running, and is the port right?");
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain }:
                    return new(ExitCode.Unreachable, $"The name {controller.Host} cannot be resolved.", "Check the address, or DNS.");
            }
        }

        return error is OperationCanceledException
            ? new(ExitCode.Unreachable, $"{controller} did not answer in time.", "Is the network between you and the controller open?")
            : new(ExitCode.Unreachable, $"{controller} cannot be reached: {error.Message}", "Is it the controller's address?");
    }
}
