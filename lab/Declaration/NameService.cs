using System.Globalization;

namespace Bulkhead.Lab;

/// <summary>What the name service of every host knows: this machine's accounts and groups, and before them the company's directory.</summary>
internal static class NameService
{
    /// <summary>The number of the first of the company's people; the others follow.</summary>
    public const uint FirstPerson = 31_000;

    private const int FirstGroup = 32_000;

    /// <summary><c>/etc/passwd</c>.</summary>
    public static string Users(IEnumerable<Person> people) =>
        string.Concat(people.Select(person => string.Create(CultureInfo.InvariantCulture, $"{person.Name}:x:{person.Id}:{person.Id}::/:/bin/sh\n"))) + File.ReadAllText("/etc/passwd");

    /// <summary><c>/etc/group</c>.</summary>
    public static string Groups(IReadOnlyList<Person> people) =>
        string.Concat(people.SelectMany(person => person.Groups).Distinct(StringComparer.Ordinal).Select((group, index) => string.Create(
            CultureInfo.InvariantCulture, $"{group}:x:{FirstGroup + index}:{string.Join(',', people.Where(person => person.Groups.Contains(group)).Select(person => person.Name))}\n")))
        + File.ReadAllText("/etc/group");
}
