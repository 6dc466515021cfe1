using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Hosting;
using Bulkhead.Policy;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Controller.Access;

/// <summary>How far a caller's permission goes: the union of the scopes of the grants that give it.</summary>
public sealed class Reach
{
    private readonly IReadOnlyList<Selector> _scopes;

    private Reach(IReadOnlyList<Selector> scopes) => _scopes = scopes;

    /// <summary>Whether it goes everywhere.</summary>
    public bool IsUnbounded => _scopes.Any(scope => scope.IsAll);

    /// <summary>Of a caller's permission. A scope whose label key is gone covers nothing.</summary>
    public static Reach Of(Caller caller, Permission permission, IReadOnlySet<string> labelKeys) => Of(caller.Grants, permission, labelKeys);

    /// <summary>Of a permission that grants give.</summary>
    public static Reach Of(IEnumerable<Grant> grants, Permission permission, IReadOnlySet<string> labelKeys) => new(
        [.. grants.Where(grant => RolePermissions.Of(grant.Role).Contains(permission)).Select(grant => Parse(grant.Scope, labelKeys, [])).OfType<Selector>()]);

    /// <summary>The selector of a scope; null, with problems, if it is none.</summary>
    public static Selector? Parse(string? scope, IReadOnlySet<string> labelKeys, ICollection<Diagnostic> problems, string path = "scope") =>
        scope is null ? Selector.All : SelectorText.Parse(scope, path, labelKeys, problems);

    /// <summary>Whether it covers a workload with these labels.</summary>
    public bool Covers(LabelSet labels) => _scopes.Any(scope => scope.Matches(labels));

    /// <summary>Whether one of its scopes covers every workload that a selector could choose.</summary>
    public bool Covers(Selector selector) => _scopes.Any(scope => scope.Includes(selector));

    /// <summary>The refusal of what lies beyond it; null if nothing does.</summary>
    public Problem? Refuse(IReadOnlyList<string> beyond) => beyond.Count == 0 ? null : Problems.Of(
        StatusCodes.Status403Forbidden,
        "outside-scope",
        $"{Few(beyond)} {(beyond.Count == 1 ? "lies" : "lie")} outside the scope of your grants; nothing was changed.",
        $"Your scope is: {this}. Ask an owner for a wider grant, or somebody who has one.");

    /// <summary>The refusal of what takes a grant without a scope; null for one who has it.</summary>
    public Problem? RefuseUnlessUnbounded(string what) => IsUnbounded ? null : Refuse([what]);

    /// <inheritdoc/>
    public override string ToString() => _scopes.Count == 0 ? "nothing" : string.Join(" or ", _scopes);

    private static string Few(IReadOnlyList<string> names) =>
        names.Count <= 5 ? string.Join(", ", names) : $"{string.Join(", ", names.Take(5))} and {names.Count - 5} more";
}
