namespace Bulkhead.Policy.Services;

/// <summary>The process that must own a socket: an executable's absolute path, a systemd unit, or both (then both must hold).</summary>
/// <param name="Path">Absolute path of the executable, or null.</param>
/// <param name="Unit">Systemd unit with its suffix, such as <c>mariadb.service</c>, or null.</param>
public sealed record ProcessCondition(string? Path, string? Unit)
{
    /// <inheritdoc/>
    public override string ToString() => (Path, Unit) switch
    {
        (null, _) => $"unit {Unit}",
        (_, null) => Path,
        _ => $"{Path} of unit {Unit}",
    };
}

/// <summary>A named set of ports, optionally with the process that must own the serving socket.</summary>
/// <param name="Name">Unique; for an inline service, its port text.</param>
/// <param name="Ports">Sorted and distinct; never empty.</param>
/// <param name="Process">Binds the provider's socket; decidable inbound at the provider only.</param>
public sealed record Service(string Name, EquatableArray<PortMatch> Ports, ProcessCondition? Process)
{
    /// <summary>Whether allowed connections to it pass untracked: see <see cref="StatelessPorts"/>.</summary>
    public bool Stateless { get; init; }

    /// <summary>What reads along in allowed connections to it, so that those that they agree upon pass too; null for nothing.</summary>
    public ConnectionHelper? Helper { get; init; }
}
