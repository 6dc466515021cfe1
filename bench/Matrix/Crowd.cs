using Bulkhead.Lab;

namespace Bulkhead.Bench.Matrix;

/// <summary>The processes of all hosts: older than the rules, but for those that were started again since.</summary>
internal sealed class Crowd : IAsyncDisposable
{
    private readonly RunningLab _lab;
    private readonly Dictionary<(string Host, Identity Identity), Puppet> _puppets = [];

    private Crowd(RunningLab lab) => _lab = lab;

    /// <summary>Starts one of each on each host.</summary>
    public static async Task<Crowd> StartAsync(RunningLab lab, CancellationToken cancel)
    {
        var crowd = new Crowd(lab);
        await Task.WhenAll(lab.Hosts.Select(async host =>
        {
            foreach (var program in Identity.All.Select(identity => identity.Program).Distinct())
            {
                await host.InstallAsync(program, Puppet.Perl, cancel);
            }

            await host.RunAsync(["chmod", "1777", Path.GetDirectoryName(Identity.Open)!], cancel);
        }));
        foreach (var host in lab.Hosts)
        {
            foreach (var identity in Identity.All)
            {
                await crowd.StartAsync(host, identity, cancel);
            }
        }

        return crowd;
    }

    /// <summary>The process of a host.</summary>
    public Puppet this[LabHost host, Identity identity] => _puppets[(host.Name, identity)];

    /// <summary>Starts one process of each host again, so that what is tried with it is the first that it does.</summary>
    public Task RenewAsync(Random random, CancellationToken cancel)
    {
        var renewed = _lab.Hosts.Select(host => (host, Identity.All[random.Next(Identity.All.Count)])).ToList();
        return Task.WhenAll(renewed.Select(async one =>
        {
            await this[one.host, one.Item2].DisposeAsync();
            await StartAsync(one.host, one.Item2, cancel);
        }));
    }

    /// <summary>Gives up all connections that are still being tried.</summary>
    public Task ForgetAsync(CancellationToken cancel) => Task.WhenAll(_puppets.Values.Select(puppet => puppet.ForgetAsync(cancel)));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var puppet in _puppets.Values)
        {
            await puppet.DisposeAsync();
        }
    }

    private async Task StartAsync(LabHost host, Identity identity, CancellationToken cancel)
    {
        var puppet = await Puppet.StartAsync(host, identity.Role(_lab), cancel);
        await puppet.ServeAsync("tcp", identity.Port, cancel);
        await puppet.ServeAsync("udp", identity.Port, cancel);
        lock (_puppets)
        {
            _puppets[(host.Name, identity)] = puppet;
        }
    }
}
