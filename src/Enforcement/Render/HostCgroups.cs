using Bulkhead.Enforcement.Documents;
using Bulkhead.Policy;

namespace Bulkhead.Enforcement.Render;

/// <summary>A cgroup of the host.</summary>
/// <param name="Level">Its depth; 1 is directly below the hierarchy's root.</param>
/// <param name="Name">Path and identifier.</param>
/// <param name="Unit">The systemd unit that its processes belong to, or empty.</param>
public sealed record HostCgroup(int Level, CgroupName Name, string Unit);

/// <summary>The cgroups that a host has at one moment. Sockets of others, which come and go, wait until they are known.</summary>
/// <param name="Root">The host's own root; at level 0 it is the hierarchy's.</param>
/// <param name="Below">Every cgroup below it; sorted by level and name.</param>
public sealed record HostCgroups(HostCgroup Root, EquatableArray<HostCgroup> Below)
{
    private readonly Dictionary<ulong, string> _units = Below.ToDictionary(cgroup => cgroup.Name.Id, cgroup => cgroup.Unit);

    /// <summary>The unit of a socket by its cgroup's identifier, or null.</summary>
    public string? UnitOf(ulong cgroup) => _units.TryGetValue(cgroup, out var unit) && unit.Length > 0 ? unit : null;

    /// <inheritdoc/>
    public bool Equals(HostCgroups? other) => other is not null && Root == other.Root && Below == other.Below;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Root, Below);
}
