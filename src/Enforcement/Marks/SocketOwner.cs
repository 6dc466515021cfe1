using Bulkhead.Policy;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Enforcement.Marks;

/// <summary>What rules can tell of a socket's owner.</summary>
/// <param name="Identified">Whether the executable is what its path says: nobody but root could have replaced it.</param>
/// <param name="Path">Its path if rules name it; else null.</param>
/// <param name="Groups">The directory groups that rules name and its user is in; sorted.</param>
public sealed record SocketOwner(bool Identified, string? Path, EquatableArray<string> Groups)
{
    /// <summary>An executable that no rule names, of a user in no group that a rule names.</summary>
    public static SocketOwner Other { get; } = new(true, null, []);

    /// <summary>An executable that could be anything.</summary>
    public static SocketOwner Unidentified { get; } = new(false, null, []);

    /// <summary>Whether it meets an entry's condition on path and user; the unit is another matter.</summary>
    public bool Meets(HostEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var path = entry.Process?.Path;
        return (path is null || (Identified ? Path == path : entry.UnidentifiedMatches))
            && (entry.Users.Count == 0 || entry.Users.Any(Groups.Contains));
    }

    /// <summary>The text that <see cref="TryParse"/> reads.</summary>
    public override string ToString() => string.Join('\n', Groups.Prepend(Identified ? Path ?? "-" : "?"));

    /// <summary>Reads what <see cref="ToString"/> wrote; false for anything else.</summary>
    public static bool TryParse(string text, out SocketOwner owner)
    {
        ArgumentNullException.ThrowIfNull(text);
        var lines = text.Split('\n');
        owner = new(lines[0] != "?", lines[0].StartsWith('/') ? lines[0] : null, lines.Skip(1).ToEquatableArray());
        return owner.ToString() == text;
    }
}
