namespace Bulkhead.Agent.Linux.Processes;

/// <summary>One program run by one process; compared by reference, since the same facts are handed out for as long as they hold.</summary>
/// <param name="pid">The process id.</param>
/// <param name="startTime">Clock ticks since boot; with the pid, the process's identity.</param>
/// <param name="path">Absolute path of the executable.</param>
internal sealed class ProcessFacts(int pid, ulong startTime, string path)
{
    /// <summary>What <see cref="LoginUid"/> says of a process that nobody signed in for.</summary>
    public const uint NoLogin = uint.MaxValue;

    /// <summary>The process id.</summary>
    public int Pid { get; } = pid;

    /// <summary>Clock ticks since boot.</summary>
    public ulong StartTime { get; } = startTime;

    /// <summary>Absolute path of the executable.</summary>
    public string Path { get; } = path;

    /// <summary>The command name, at most 15 bytes.</summary>
    public required string Name { get; init; }

    /// <summary>The systemd unit, or empty.</summary>
    public required string Unit { get; init; }

    /// <summary>Name of the user who signed in, else of the owner; the number where it has no name.</summary>
    public required string User { get; init; }

    /// <summary>The owner.</summary>
    public required uint Uid { get; init; }

    /// <summary>Who signed in, or <see cref="NoLogin"/>.</summary>
    public required uint LoginUid { get; init; }

    /// <summary>The owner's name; the number where it has no name.</summary>
    public string Owner { get; init; } = "";

    /// <summary>The container's identifier, or empty.</summary>
    public string Container { get; init; } = "";

    /// <summary>Whether others say the same.</summary>
    public bool IsLike(ProcessFacts other) =>
        (Pid, StartTime, Path, Name, Unit, Container, Uid, LoginUid) == (other.Pid, other.StartTime, other.Path, other.Name, other.Unit, other.Container, other.Uid, other.LoginUid);

    /// <summary>The wire form.</summary>
    public Contracts.Agent.ProcessInfo ToWire() => new()
    {
        Path = Path,
        Name = Name,
        Unit = Unit,
        Pid = (uint)Pid,
        StartTime = StartTime,
        User = User,
        Uid = Uid,
        LoginUid = LoginUid,
        Owner = Owner,
        Container = Container,
    };
}
