using Bulkhead.Bench.Harness;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Soak;

/// <summary>What happens to processes: daemons and actors are started again under their units, executables are replaced by upgrades.</summary>
internal sealed class ProcessActs(BenchmarkRun run, RunningLab lab, Cast cast, Outages outages, Random random)
{
    /// <summary>Each by name and weight.</summary>
    public IEnumerable<(string Name, int Weight, Func<Task> Act)> All =>
    [
        ("redis started again", 4, () => RestartAsync("cache1", "redis")),
        ("mariadb started again", 2, () => RestartAsync("db1", "mariadb")),
        ("application started again", 3, () => RestartAsync("app1", "appserver")),
        ("actor started again", 10, () => RestartAsync(cast.Actors[random.Next(cast.Actors.Count)], upgrade: false)),
        ("program upgraded", 4, () => Cast.UpgradeAsync(cast.Actors[random.Next(cast.Actors.Count)].Host, run.Cancel)),
        ("program upgraded and started again", 4, () => RestartAsync(cast.Actors[random.Next(cast.Actors.Count)], upgrade: true)),
    ];

    private async Task RestartAsync(string host, string daemon)
    {
        var service = lab.FindService($"{host}/{daemon}");
        var within = cast.Actors.Where(actor => actor.Host.Name == host && actor.Role.Place.StartsWith(daemon + ".service/", StringComparison.Ordinal)).ToList();
        using (outages.Begin([service.EndPoint(false), service.EndPoint(true)]))
        {
            foreach (var actor in within)
            {
                await actor.StopAsync();
            }

            await RunningLab.RestartAsync(lab[host], daemon, run.Cancel);
        }

        foreach (var actor in within)
        {
            await actor.StartAsync(run.Cancel);
        }
    }

    private async Task RestartAsync(Actor actor, bool upgrade)
    {
        using (outages.Begin(actor.Served))
        {
            await actor.StopAsync();
            if (upgrade)
            {
                await Cast.UpgradeAsync(actor.Host, run.Cancel);
            }

            await actor.StartAsync(run.Cancel);
        }
    }
}
