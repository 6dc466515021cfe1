namespace Bulkhead.Agent.State;

/// <summary>
/// The agent's folder (0700): its identity, the last policy, the spool and the status. One agent at a time may run with it.
/// </summary>
internal sealed class StateDirectory
{
    /// <summary>Where it is unless it is said otherwise.</summary>
    public const string Standard = "/var/lib/bulkhead";

    private const UnixFileMode PrivateDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private StateDirectory(string path) => Root = path;

    /// <summary>Absolute path of the folder.</summary>
    public string Root { get; }

    /// <summary>Where the agent's key and certificates are.</summary>
    public string Identity => Path.Combine(Root, "identity.json");

    /// <summary>The first copy of the last policy.</summary>
    public string Policy => Path.Combine(Root, "policy");

    /// <summary>The second copy of the last policy.</summary>
    public string PolicyCopy => Path.Combine(Root, "policy.copy");

    /// <summary>The last policy under which the controller was reached, while a newer one has yet to show the same.</summary>
    public string ProvenPolicy => Path.Combine(Root, "policy.proven");

    /// <summary>The order to enforce nothing, as <c>panic</c> wrote it; there until <c>resume</c>.</summary>
    public string Panic => Path.Combine(Root, "panic.json");

    /// <summary>The marker of the enforced directions.</summary>
    public string Marker => Path.Combine(Root, "enforced");

    /// <summary>What <c>status</c> shows.</summary>
    public string Status => Path.Combine(Root, "status.json");

    /// <summary>Folder of the cgroup that the agent's eBPF programs are attached to.</summary>
    public string Cgroup => Path.Combine(Root, "cgroup");

    /// <summary>The folder of flow batches that are not yet acknowledged.</summary>
    public string Spool => Path.Combine(Root, "spool");

    /// <summary>The socket over which <c>flows</c> follows.</summary>
    public string Flows => Path.Combine(Root, "flows.sock");

    /// <summary>Opens the folder, creating it if need be, and takes group and world permissions from it.</summary>
    /// <exception cref="AgentException">It cannot be created or made private.</exception>
    public static StateDirectory Create(string path)
    {
        path = Path.GetFullPath(path);
        try
        {
            Directory.CreateDirectory(path, PrivateDirectory);
            File.SetUnixFileMode(path, PrivateDirectory);
            Directory.CreateDirectory(Path.Combine(path, "spool"), PrivateDirectory);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new AgentException("state-unusable", $"The state folder {path} cannot be used: {refused.Message}", "Run as root, or name another folder with --state.");
        }

        return new StateDirectory(path);
    }

    /// <summary>The folder as it is; nothing is created.</summary>
    public static StateDirectory At(string path) => new(Path.GetFullPath(path));

    /// <summary>Keeps others from running with this folder until disposed; the kernel lets go of it if the process dies.</summary>
    /// <exception cref="AgentException">Another agent holds it.</exception>
    public IDisposable Lock()
    {
        try
        {
            return new FileStream(Path.Combine(Root, "lock"), new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                UnixCreateMode = DurableFile.Private,
            });
        }
        catch (IOException)
        {
            throw new AgentException("already-running", $"Another agent runs with the state folder {Root}.", "Stop it first (SIGTERM), or name another folder with --state.");
        }
    }

    /// <summary>Whether an agent runs with this folder.</summary>
    public bool IsLocked()
    {
        try
        {
            using var only = Lock();
            return false;
        }
        catch (AgentException)
        {
            return true;
        }
    }
}
