using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>One possible socket: everything about it is settled.</summary>
internal sealed record NaiveSocket(bool Identified, string? Path, string? Unit, IReadOnlyList<string> Groups)
{
    private static readonly NaiveSocket _unidentified = new(false, null, null, []);

    /// <summary>Whether it meets a condition. One that the kernel could not stamp meets none, unless a deny says otherwise.</summary>
    public bool Meets(ProcessDocument? process, IReadOnlyList<string> users, bool unidentifiedMatches) =>
        process is null && users.Count == 0 ? true
        : !Identified ? unidentifiedMatches
        : (process?.Path is null || process.Path == Path) && (process?.Unit is null || process.Unit == Unit) && (users.Count == 0 || users.Any(Groups.Contains));

    /// <summary>All sockets that a record leaves possible, as far as any condition of the policy could tell them apart.</summary>
    public static IReadOnlyList<NaiveSocket> Possible(SocketFacts facts, PolicyDocument document)
    {
        if (facts == SocketFacts.Unidentified)
        {
            return [_unidentified];
        }

        var rules = document.Rulesets.SelectMany(r => r.Rules).ToList();
        IEnumerable<IReadOnlyList<string>> groups = facts.Groups is { } known ? [[.. known]] : Subsets([.. rules.SelectMany(r => r.Users).Distinct()]);
        if (facts != SocketFacts.Unrecorded)
        {
            return [.. groups.Select(g => new NaiveSocket(true, facts.Path, facts.Unit, g))];
        }

        var processes = rules.Select(r => r.FromProcess).Concat(document.Services.Select(s => s.Process)).OfType<ProcessDocument>().ToList();
        return
        [
            _unidentified,
            .. from path in processes.Select(p => p.Path).Append(null).Distinct()
               from unit in processes.Select(p => p.Unit).Append(null).Distinct()
               from g in groups
               select new NaiveSocket(true, path, unit, g),
        ];
    }

    private static IEnumerable<IReadOnlyList<string>> Subsets(IReadOnlyList<string> items) =>
        from chosen in Enumerable.Range(0, 1 << items.Count)
        select (IReadOnlyList<string>)[.. items.Where((_, i) => (chosen >> i & 1) == 1)];
}
