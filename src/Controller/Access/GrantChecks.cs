using System.Text.Json;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy;

namespace Bulkhead.Controller.Access;

/// <summary>Checks grants before they are kept, and tells them in words.</summary>
public static class GrantChecks
{
    private const int Most = 50;

    /// <summary>The grants in canonical form: scopes as selectors are written, that of all left out, none twice. Adds what is wrong with them.</summary>
    public static IReadOnlyList<Grant> Check(IReadOnlyList<Grant> grants, string path, IReadOnlySet<string> labelKeys, ICollection<Diagnostic> problems)
    {
        if (grants.Count is 0 or > Most)
        {
            problems.Add(Diagnostic.Error("bad-grants", path, $"There must be 1 to {Most} grants, such as the role viewer."));
        }

        var kept = new List<Grant>();
        for (var i = 0; i < grants.Count && i < Most; i++)
        {
            if (grants[i] is not { } grant)
            {
                problems.Add(Diagnostic.Error("null-entry", $"{path}[{i}]", "The entry is null. Remove it."));
                continue;
            }

            if (Reach.Parse(grant.Scope, labelKeys, problems, $"{path}[{i}].scope") is not { } scope)
            {
                continue;
            }

            if (!scope.IsAll && !RolePermissions.IsScopable(grant.Role))
            {
                problems.Add(Diagnostic.Error("bad-scope", $"{path}[{i}].scope", $"The role {Word(grant.Role)} has no scope: a scope narrows what may be changed, not what may be read. Leave it out, or grant another role."));
            }

            kept.Add(new(grant.Role, scope.IsAll ? null : scope.ToString()));
        }

        return [.. kept.Distinct().OrderBy(grant => grant.Role).ThenBy(grant => grant.Scope, StringComparer.Ordinal)];
    }

    /// <summary>Those of some grants that give nothing that others do not give too, as far as scopes can be told: whoever has the others may hand these on.</summary>
    public static IEnumerable<Grant> Within(IEnumerable<Grant> grants, IReadOnlyList<Grant> others, IReadOnlySet<string> labelKeys) => grants.Where(grant =>
        Reach.Parse(grant.Scope, labelKeys, []) is { } scope && RolePermissions.Of(grant.Role).All(permission => permission == Permission.Read
            ? others.Any(other => RolePermissions.Of(other.Role).Contains(permission))
            : Reach.Of(others, permission, labelKeys).Covers(scope)));

    /// <summary>Such as <c>policyEditor of app=shop, viewer</c>.</summary>
    public static string Sentence(IEnumerable<Grant> grants) =>
        string.Join(", ", grants.Select(grant => grant.Scope is { } scope ? $"{Word(grant.Role)} of {scope}" : Word(grant.Role)));

    private static string Word(AccessRole role) => JsonNamingPolicy.CamelCase.ConvertName(role.ToString());
}
