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
    /// <summary>The units by their cgroups' identifiers; a cgroup that is in none is left out.</summary>
    public Dictionary<ulong, string> Units() =>
        Below.Where(cgroup => cgroup.Unit.Length > 0).ToDictionary(cgroup => cgroup.Name.Id, cgroup => cgroup.Unit);
}
