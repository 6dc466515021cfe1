namespace Bulkhead.Cli;

/// <summary>What the process's exit code says; documented in docs/cli.md and never renumbered.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Ok = 0;

    /// <summary>The controller, or a check, refused it; nothing was changed unless the message says so.</summary>
    public const int Refused = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>There is no sign-in, or it is no longer valid.</summary>
    public const int NotSignedIn = 3;

    /// <summary>The controller cannot be reached, or is not the one that is trusted.</summary>
    public const int Unreachable = 4;

    /// <summary>What was named does not exist.</summary>
    public const int NotFound = 5;

    /// <summary>Somebody else changed it in the meantime.</summary>
    public const int Conflict = 6;

    /// <summary>The signed-in account's role does not allow it.</summary>
    public const int Forbidden = 7;

    /// <summary>Ended by Ctrl-C before it was done.</summary>
    public const int Interrupted = 130;
}
