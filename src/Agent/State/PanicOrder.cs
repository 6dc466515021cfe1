using System.Text.Json;
using Bulkhead.Enforcement.State;

namespace Bulkhead.Agent.State;

/// <summary>The order to enforce nothing on this host, on disk from <c>panic</c> until <c>resume</c>.</summary>
/// <param name="At">When it was given.</param>
/// <param name="By">Who gave it.</param>
/// <param name="Reason">Why.</param>
internal sealed record PanicOrder(DateTimeOffset At, string By, string Reason)
{
    private static readonly PanicOrder _unreadable = new(default, "somebody", "the order cannot be read");

    /// <summary>The order, if there is one. A file that cannot be read is one all the same: it is replaced atomically, so somebody put it there.</summary>
    public static PanicOrder? Load(StateDirectory state)
    {
        try
        {
            return DurableFile.Read(state.Panic) is { } content ? JsonSerializer.Deserialize(content, StateJson.Default.PanicOrder) ?? _unreadable : null;
        }
        catch (Exception damaged) when (damaged is JsonException or IOException)
        {
            return _unreadable;
        }
    }

    /// <summary>Puts it on disk; it outlives a power cut.</summary>
    /// <exception cref="IOException">The disk refused.</exception>
    public void Save(StateDirectory state) =>
        DurableFile.Write(state.Panic, JsonSerializer.SerializeToUtf8Bytes(this, StateJson.Default.PanicOrder));

    /// <summary>What is reported while it holds.</summary>
    public Problem ToProblem() => new(
        "panic",
        $"{By} opened this host ({Reason}; since {At:u}): nothing is enforced. Policies are received and kept.",
        "When the cause is mended, run 'bulkhead-agent resume' on the host.");
}
