using System.Globalization;

namespace Bulkhead.Bench.Policy;

/// <summary>One application of an estate: what it is made of and where it runs.</summary>
/// <param name="Name">The value of <c>app</c>.</param>
/// <param name="Team">Whose it is.</param>
/// <param name="Roles">The values of <c>role</c> in it.</param>
/// <param name="Places">The environments that it has, each with its locations.</param>
internal sealed record EstateApp(string Name, string Team, IReadOnlyList<string> Roles, IReadOnlyList<(string Env, string Loc)> Places)
{
    /// <summary>Every environment.</summary>
    public static IReadOnlyList<string> AllEnvs { get; } = ["prod", "staging", "test", "dev"];

    /// <summary>Every location.</summary>
    public static IReadOnlyList<string> AllLocs { get; } = ["ams", "fra", "iad", "sin", "syd"];

    /// <summary>Every role, the common ones first.</summary>
    public static IReadOnlyList<string> AllRoles { get; } =
        ["web", "app", "db", "api", "cache", "queue", "batch", "worker", "gateway", "search", "files", "report", "stream", "auth", "metrics", "backup"];

    /// <summary>The environments that it has.</summary>
    public IEnumerable<string> Envs => Places.Select(place => place.Env).Distinct();

    /// <summary>Draws an application of 3 to 6 roles, in production and some other environments.</summary>
    public static EstateApp Draw(int index, Random random)
    {
        var places = new List<(string, string)>();
        for (var env = 0; env < AllEnvs.Count; env++)
        {
            // Production runs in one or two places; every further environment is rarer.
            if (env == 0 || random.NextDouble() < 0.7 - (0.1 * env))
            {
                var first = random.Next(AllLocs.Count);
                places.Add((AllEnvs[env], AllLocs[first]));
                if (env == 0 && random.NextDouble() < 0.4)
                {
                    places.Add((AllEnvs[env], AllLocs[(first + 1 + random.Next(AllLocs.Count - 1)) % AllLocs.Count]));
                }
            }
        }

        var roles = new SortedSet<string>(StringComparer.Ordinal);
        for (var wanted = random.Next(3, 7); roles.Count < wanted;)
        {
            // The smaller of two draws: common roles are chosen more often.
            roles.Add(AllRoles[Math.Min(random.Next(AllRoles.Count), random.Next(AllRoles.Count))]);
        }

        return new(string.Create(CultureInfo.InvariantCulture, $"app{index:D4}"), string.Create(CultureInfo.InvariantCulture, $"team{index / 8:D2}"), [.. roles], places);
    }
}
