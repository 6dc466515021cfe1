using System.Text.Json;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Agent.State;

/// <summary>One thing that is wrong.</summary>
/// <param name="Code">Stable, kebab-case.</param>
/// <param name="Message">What happened.</param>
/// <param name="Remedy">What to do.</param>
internal sealed record StatusProblem(string Code, string Message, string Remedy);

/// <summary>What <c>bulkhead-agent status</c> shows, as <c>run</c> last wrote it.</summary>
internal sealed record AgentStatus
{
    /// <summary>When it was written.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The process that wrote it.</summary>
    public required int Pid { get; init; }

    /// <summary>The controller's name for this host.</summary>
    public required string Workload { get; init; }

    /// <summary>The agent channel's address.</summary>
    public required string Controller { get; init; }

    /// <summary>Whether the policy stream is up.</summary>
    public required bool Connected { get; init; }

    /// <summary>The version of the policy that the kernel enforces, <c>epoch.number</c>; null if none.</summary>
    public required string? Generation { get; init; }

    /// <summary>The inbound mode.</summary>
    public required EnforcementMode Inbound { get; init; }

    /// <summary>The outbound mode.</summary>
    public required EnforcementMode Outbound { get; init; }

    /// <summary>Whether the policy was lost, and the directions that it enforced are shut.</summary>
    public required bool FailSafe { get; init; }

    /// <summary>Whether somebody opened the host, so that nothing is enforced.</summary>
    public bool Panic { get; init; }

    /// <summary>Whether, since the agent started, the controller sent a policy and was then told that it is in force.</summary>
    public bool Confirmed { get; init; }

    /// <summary>Why peers may not know this host yet, in words; null once all that enforce and are connected do.</summary>
    public string? WaitsForPeers { get; init; }

    /// <summary>The agent's version.</summary>
    public string Version { get; init; } = "";

    /// <summary>Connections in conntrack.</summary>
    public long Connections { get; init; }

    /// <summary>The most connections in conntrack since the agent started.</summary>
    public long PeakConnections { get; init; }

    /// <summary>How many connections conntrack may hold; 0 if that is not known.</summary>
    public long MostConnections { get; init; }

    /// <summary>When the certificate expires.</summary>
    public required DateTimeOffset CertificateUntil { get; init; }

    /// <summary>Flow batches that wait to be delivered.</summary>
    public required int BatchesWaiting { get; init; }

    /// <summary>Flow batches that were dropped because the spool was full.</summary>
    public required ulong BatchesDropped { get; init; }

    /// <summary>Kernel events that were lost, at least.</summary>
    public required ulong EventsLost { get; init; }

    /// <summary>How long telemetry's windows are: ten seconds, one while somebody watches, more if the budget does not allow it.</summary>
    public int WindowSeconds { get; init; }

    /// <summary>What telemetry does without to stay within its share of the processor; null if nothing.</summary>
    public string? Degraded { get; init; }

    /// <summary>Times that somebody else changed our table.</summary>
    public required ulong Tampered { get; init; }

    /// <summary>What is wrong now; empty when all is well.</summary>
    public required IReadOnlyList<StatusProblem> Problems { get; init; }

    /// <summary>Reads it; null if the agent never ran, or is just replacing the file.</summary>
    public static AgentStatus? Load(StateDirectory state)
    {
        try
        {
            return DurableFile.Read(state.Status) is { } content ? JsonSerializer.Deserialize(content, StateJson.Default.AgentStatus) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Replaces the file. It need not outlive a power cut, but is never seen half-written.</summary>
    public void Save(StateDirectory state) =>
        DurableFile.WriteLazily(state.Status, JsonSerializer.SerializeToUtf8Bytes(this, StateJson.Default.AgentStatus));
}
