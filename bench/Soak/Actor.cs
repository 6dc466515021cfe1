using System.Net;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Soak;

/// <summary>A puppet that is stopped and started again, as its unit would be.</summary>
internal sealed class Actor(LabHost host, PuppetRole role)
{
    private Puppet? _puppet;

    /// <summary>Where it plays.</summary>
    public LabHost Host { get; } = host;

    /// <summary>Who it is.</summary>
    public PuppetRole Role { get; } = role;

    /// <summary>The TCP port that it serves, if it serves one.</summary>
    public int? Port { get; init; }

    /// <summary>Where it serves.</summary>
    public IEnumerable<IPEndPoint> Served => Port is { } port ? [new(Host.Ipv4, port), new(Host.Ipv6, port)] : [];

    /// <summary>The puppet; null while there is none.</summary>
    public Puppet? Puppet => Volatile.Read(ref _puppet);

    /// <summary>Starts it.</summary>
    public async Task StartAsync(CancellationToken cancel)
    {
        var puppet = await Puppet.StartAsync(Host, Role, cancel);
        if (Port is { } port)
        {
            await puppet.ServeAsync("tcp", port, cancel);
        }

        Volatile.Write(ref _puppet, puppet);
    }

    /// <summary>Ends it, and its unit.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _puppet, null) is { } puppet)
        {
            await puppet.EndUnitAsync();
        }
    }

    /// <summary>For people.</summary>
    public string Name => $"{Host.Name} ({Role.Place}{(Role.Login is { } login ? $", user {login}" : "")})";
}
