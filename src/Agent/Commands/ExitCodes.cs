namespace Bulkhead.Agent.Commands;

/// <summary>What the commands return.</summary>
internal static class ExitCodes
{
    /// <summary>Done; for <c>status</c>: connected, and all is well.</summary>
    public const int Good = 0;

    /// <summary>Not done.</summary>
    public const int Failed = 1;

    /// <summary><c>status</c>: the controller is away; the last policy is enforced.</summary>
    public const int Offline = 3;

    /// <summary><c>status</c>: something is wrong, or the agent does not run.</summary>
    public const int Problem = 4;

    /// <summary><c>status</c>: the host is not paired.</summary>
    public const int NotPaired = 5;

    /// <summary><c>explain</c>: the connection is blocked here. <c>check</c>: the agent would work, with reservations.</summary>
    public const int Blocked = 6;

    /// <summary><c>explain</c>: it depends on what is not known.</summary>
    public const int Undecided = 7;
}
