using System.Collections.Frozen;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Controller.Access;

/// <summary>The one place that says what a role may do. Which permission an endpoint takes is said where it is mapped: <see cref="PermissionPolicies.Requires"/>.</summary>
public static class RolePermissions
{
    private static readonly FrozenDictionary<AccessRole, FrozenSet<Permission>> s_table = new Dictionary<AccessRole, FrozenSet<Permission>>
    {
        [AccessRole.Viewer] = [Permission.Read],
        [AccessRole.Auditor] = [Permission.Read, Permission.Audit],
        [AccessRole.PolicyEditor] = [Permission.Read, Permission.Label, Permission.Draft],
        [AccessRole.Provisioner] = [Permission.Read, Permission.Provision],
        [AccessRole.Responder] = [Permission.Read, Permission.Quarantine],
        [AccessRole.AgentManager] = [Permission.Read, Permission.Label, Permission.ManageAgents],
        [AccessRole.Owner] = [.. Enum.GetValues<Permission>()],
    }.ToFrozenDictionary();

    /// <summary>What a role may do.</summary>
    public static IReadOnlySet<Permission> Of(AccessRole role) => s_table[role];

    /// <summary>The roles that have a permission.</summary>
    public static IEnumerable<AccessRole> With(Permission permission) => Enum.GetValues<AccessRole>().Where(role => s_table[role].Contains(permission));

    /// <summary>Whether a grant of the role may be narrowed to a scope. What only reads, or controls access itself, can't be: a scope would promise what is not kept.</summary>
    public static bool IsScopable(AccessRole role) => role is AccessRole.PolicyEditor or AccessRole.Provisioner or AccessRole.Responder or AccessRole.AgentManager;
}
