using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Evaluate;

/// <summary>What is known of the socket at one end: its process and user, or why they are not known.</summary>
public sealed record SocketFacts
{
    private readonly bool _recorded;

    private SocketFacts(bool recorded, bool identified) => (_recorded, Identified) = (recorded, identified);

    /// <summary>Missing from the record, as in imported flows: any process or user is possible.</summary>
    public static SocketFacts Unrecorded { get; } = new(false, false);

    /// <summary>The kernel could not say: it meets no process or user condition, unless a deny asks for unidentified sockets.</summary>
    public static SocketFacts Unidentified { get; } = new(true, false);

    /// <summary>Whether process and user are known.</summary>
    public bool Identified { get; }

    /// <summary>Path of the executable, or null.</summary>
    public string? Path { get; private init; }

    /// <summary>Systemd unit, or null.</summary>
    public string? Unit { get; private init; }

    /// <summary>Directory groups of the user, sorted; null if they were not recorded.</summary>
    public EquatableArray<string>? Groups { get; private init; }

    /// <summary>A known process, and the user's groups as far as they were recorded.</summary>
    public static SocketFacts Of(string? path, string? unit, EquatableArray<string>? groups) =>
        new(true, true) { Path = path, Unit = unit, Groups = groups };

    /// <summary>Whether a condition on this socket is met; null if that is not known.</summary>
    internal bool? Meets(ProcessCondition? process, EquatableArray<string> users, bool unidentifiedMatches)
    {
        if (process is null && users.Count == 0)
        {
            return true;
        }

        if (!_recorded)
        {
            return null;
        }

        if (!Identified)
        {
            return unidentifiedMatches;
        }

        var sameProcess = (process?.Path is not { } path || string.Equals(path, Path, StringComparison.Ordinal))
            && (process?.Unit is not { } unit || string.Equals(unit, Unit, StringComparison.Ordinal));
        return !sameProcess ? false
            : users.Count == 0 ? true
            : Groups is { } groups ? users.Any(groups.Contains)
            : null;
    }
}
