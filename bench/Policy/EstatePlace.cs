using System.Globalization;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Bench.Policy;

/// <summary>A ruleset of an estate before it has rules: its scope, and what rules in it may still say.</summary>
/// <param name="Name">The ruleset's name.</param>
/// <param name="Scope">Its scope.</param>
/// <param name="App">The application that it is of, or null for an estate-wide one.</param>
/// <param name="Env">The environment that its scope names, or null.</param>
/// <param name="Bound">The keys that its scope binds, which an end within it must not repeat.</param>
internal sealed record EstatePlace(string Name, ScopeDocument Scope, EstateApp? App, string? Env, IReadOnlyList<string> Bound)
{
    private const int RulesPerEstateRuleset = 50;

    /// <summary>One for each environment of an application, and one for all of it, in every other application split by environment.</summary>
    public static IEnumerable<EstatePlace> Of(EstateApp app, int index)
    {
        foreach (var env in app.Envs)
        {
            yield return new($"{app.Name}-{env}", new() { Selector = $"app={app.Name},env={env}" }, app, env, ["app", "env"]);
        }

        yield return index % 2 == 0
            ? new(app.Name, new() { Selector = $"app={app.Name}", Per = ["env"] }, app, null, ["app", "env"])
            : new(app.Name, new() { Selector = $"app={app.Name}" }, app, null, ["app"]);
    }

    /// <summary>The estate-wide ones: of 20, 8 for all, 6 for an environment, 3 for a location, 2 for both, 1 split by application and environment.</summary>
    public static IEnumerable<EstatePlace> EstateWide(int rules, Random random) =>
        Enumerable.Range(0, Math.Max(20, rules / RulesPerEstateRuleset)).Select(i => Nth(i, random));

    private static EstatePlace Nth(int index, Random random)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"estate{index:D3}");
        var env = EstateApp.AllEnvs[random.Next(EstateApp.AllEnvs.Count)];
        var loc = EstateApp.AllLocs[random.Next(EstateApp.AllLocs.Count)];
        return (index % 20) switch
        {
            < 8 => new(name, new() { Selector = "all" }, null, null, []),
            < 14 => new(name, new() { Selector = $"env={env}" }, null, env, ["env"]),
            < 17 => new(name, new() { Selector = $"loc={loc}" }, null, null, ["loc"]),
            < 19 => new(name, new() { Selector = $"env={env},loc={loc}" }, null, env, ["env", "loc"]),
            _ => new(name, new() { Selector = "all", Per = ["app", "env"] }, null, null, ["app", "env"]),
        };
    }
}
