using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Inventory;

/// <summary>How visible ports lead to a workload's own: one to one, in order.</summary>
public readonly record struct PortMapping : IComparable<PortMapping>
{
    private PortMapping(PortMatch visible, ushort firstOwn) => (Visible, FirstOwn) = (visible, firstOwn);

    /// <summary>The ports that peers see.</summary>
    public PortMatch Visible { get; }

    /// <summary>The workload's own port to which the first visible one leads.</summary>
    public ushort FirstOwn { get; }

    /// <summary>Every protocol and port, none of them rewritten.</summary>
    public static PortMapping Everything => new(PortMatch.Any, 0);

    /// <summary>Whether ports are other ones than peers see.</summary>
    public bool Rewrites => FirstOwn != Visible.First;

    /// <summary>Ports that lead to equal ones.</summary>
    public static PortMapping Same(PortMatch ports) => new(ports, ports.First);

    /// <summary>Ports that lead to others; false if there are not as many of those, or the protocol has no ports to rewrite.</summary>
    public static bool TryCreate(PortMatch visible, int firstOwn, out PortMapping mapping)
    {
        var valid = firstOwn == visible.First
            || (IpProtocol.HasPorts(visible.Protocol) && firstOwn >= 0 && firstOwn + visible.Last - visible.First <= ushort.MaxValue);
        mapping = valid ? new(visible, (ushort)firstOwn) : default;
        return valid;
    }

    /// <summary>The workload's own port behind a visible one; null if that does not lead to it.</summary>
    public ushort? OwnOf(byte protocol, ushort port) =>
        !Visible.Matches(protocol, port) ? null : Rewrites ? (ushort)(port - Visible.First + FirstOwn) : port;

    /// <summary>The visible port that leads to the workload's own; null if there is none.</summary>
    public ushort? VisibleOf(byte protocol, ushort own) =>
        !Rewrites ? (Visible.Matches(protocol, own) ? own : null)
        : protocol == Visible.Protocol && own >= FirstOwn && own - FirstOwn <= Visible.Last - Visible.First ? (ushort)(own - FirstOwn + Visible.First)
        : null;

    /// <summary>The visible ports that lead to any of the workload's own; null if there are none.</summary>
    public PortMatch? VisibleOf(PortMatch own)
    {
        if (own.IsAny || Visible.IsAny)
        {
            return own.IsAny ? Visible : own;
        }

        var first = Math.Max(own.First - FirstOwn, 0) + Visible.First;
        var last = Math.Min(own.Last - FirstOwn + Visible.First, Visible.Last);
        return own.Protocol == Visible.Protocol && PortMatch.TryCreate(own.Protocol, first, last, out var match) ? match : null;
    }

    /// <inheritdoc/>
    public int CompareTo(PortMapping other) => Visible.CompareTo(other.Visible) is var order and not 0 ? order : FirstOwn.CompareTo(other.FirstOwn);

    /// <summary>As written in an inventory: <c>tcp/8080-8090</c>, or <c>tcp/8080 to 80</c> where ports are rewritten.</summary>
    public override string ToString() => Rewrites ? $"{Visible} to {FirstOwn}" : Visible.ToString();
}

/// <summary>
/// An address, and ports there, that lead to a workload: a published port, a one-to-one translation, or a virtual IP. Peers in its space
/// reach the workload under it and no other way than they see.
/// </summary>
/// <param name="Address">The visible address.</param>
/// <param name="Ports">The visible ports, and the workload's own.</param>
/// <param name="Shared">Whether others that declare the same may lead from there too, as behind a virtual IP. Of two that do not both, the workload with the lower id has it.</param>
public readonly record struct Publication(ScopedAddress Address, PortMapping Ports, bool Shared) : IComparable<Publication>
{
    /// <summary>Whether some visible port is in both.</summary>
    public bool Overlaps(Publication other) => Address == other.Address && PortMapping.Same(Ports.Visible).VisibleOf(other.Ports.Visible) is not null;

    /// <inheritdoc/>
    public int CompareTo(Publication other) =>
        Address.CompareTo(other.Address) is var order and not 0 ? order
        : Ports.CompareTo(other.Ports) is var ports and not 0 ? ports
        : Shared.CompareTo(other.Shared);

    /// <inheritdoc/>
    public override string ToString() => $"{Address} {Ports}{(Shared ? " shared" : "")}";
}
