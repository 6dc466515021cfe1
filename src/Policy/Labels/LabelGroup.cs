namespace Bulkhead.Policy.Labels;

/// <summary>A named set of values of one label key, nested groups worked into it.</summary>
/// <param name="Name">Written in selectors after <c>@</c>.</param>
/// <param name="Key">The key whose values it holds.</param>
/// <param name="Values">Sorted and distinct; never empty.</param>
public sealed record LabelGroup(string Name, string Key, EquatableArray<string> Values);

/// <summary>The label groups that selectors may use; which are declared, and what the sound ones hold.</summary>
/// <param name="Declared">All declared names, broken groups included, which are reported where they are declared.</param>
/// <param name="Sound">The groups that can be used, by name.</param>
public sealed record LabelGroups(IReadOnlySet<string> Declared, IReadOnlyDictionary<string, LabelGroup> Sound)
{
    /// <summary>What a value starts with that names a group.</summary>
    public const char Mark = '@';

    /// <summary>No groups.</summary>
    public static LabelGroups None { get; } = new(new HashSet<string>(), new Dictionary<string, LabelGroup>());
}
