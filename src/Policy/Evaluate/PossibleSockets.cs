namespace Bulkhead.Policy.Evaluate;

/// <summary>The sockets that a record leaves possible, as far as conditions can tell them apart.</summary>
internal static class PossibleSockets
{
    private const int MostGroups = 8;
    private const int MostProcesses = 64;

    /// <summary>One socket of each kind that the candidates' conditions distinguish; none if those are too many to go through.</summary>
    public static IEnumerable<SocketFacts> Of(SocketFacts facts, IReadOnlyCollection<Candidate> candidates)
    {
        var groups = facts.Groups is null ? candidates.SelectMany(c => c.Users).Distinct().ToList() : [];
        var paths = facts.Identified ? [facts.Path] : candidates.Select(c => c.Process?.Path).Append(null).Distinct().ToList();
        var units = facts.Identified ? [facts.Unit] : candidates.Select(c => c.Process?.Unit).Append(null).Distinct().ToList();
        if (groups.Count > MostGroups || paths.Count * units.Count > MostProcesses)
        {
            yield break;
        }

        if (!facts.Identified)
        {
            yield return SocketFacts.Unidentified;
        }

        foreach (var path in paths)
        {
            foreach (var unit in units)
            {
                for (var chosen = 0; chosen < 1 << groups.Count; chosen++)
                {
                    yield return SocketFacts.Of(path, unit, facts.Groups ?? groups.Where((_, i) => (chosen >> i & 1) == 1).Order(StringComparer.Ordinal).ToEquatableArray());
                }
            }
        }
    }
}
