using System.Globalization;

namespace Bulkhead.Policy.Documents;

/// <summary>
/// The paths of a section's objects: <c>networks[office]</c>. What has no name, or one that stands before it already, goes by its index, so that
/// every object has a path of its own: <c>networks[3]</c>, written <c>networks[03]</c> where another is named 3.
/// </summary>
internal sealed class ObjectPaths
{
    private const int MaxNameLength = 128;

    private readonly string _section;
    private readonly IReadOnlyList<string> _names;
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly HashSet<int> _nameless = [];

    /// <summary>Checks that names are names, and none stands twice.</summary>
    public ObjectPaths(string section, IEnumerable<string> names, List<Diagnostic> problems)
    {
        (_section, _names) = (section, [.. names]);
        foreach (var (index, name) in _names.Index())
        {
            if (string.IsNullOrWhiteSpace(name) || !_seen.Add(name))
            {
                _nameless.Add(index);
            }
        }

        foreach (var (index, name) in _names.Index())
        {
            if (!IsName(name))
            {
                problems.Add(Diagnostic.Error("bad-name", $"{ByIndex(index)}.name", $"'{name}' is not a name. A name has 1 to {MaxNameLength} characters, no '/', no white space at either end."));
            }
            else if (_nameless.Contains(index))
            {
                problems.Add(Diagnostic.Error("duplicate-name", $"{section}[{name}]", $"The name '{name}' stands twice. Rename one of the two."));
            }
        }
    }

    /// <summary>The path of the object at an index.</summary>
    public string this[int index] => _nameless.Contains(index) ? ByIndex(index) : $"{_section}[{_names[index]}]";

    private string ByIndex(int index)
    {
        var number = index.ToString(CultureInfo.InvariantCulture);
        while (_seen.Contains(number))
        {
            number = $"0{number}";
        }

        return $"{_section}[{number}]";
    }

    private static bool IsName(string? name) =>
        !string.IsNullOrWhiteSpace(name) && name.Length <= MaxNameLength && !name.Any(char.IsControl) && name.Trim().Length == name.Length && !name.Contains('/');
}
