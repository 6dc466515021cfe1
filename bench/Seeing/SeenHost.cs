using Bulkhead.Bench.Agents;
using Bulkhead.Bench.Dataplane;
using Bulkhead.Contracts.Agent;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Seeing;

/// <summary>
/// A host with an agent, and a peer without, joined by a cable. Both have several addresses, and servers:
/// <code>
///   host 10.79.0.1, 10.79.1.1-4 ═══ 10.79.0.2, 10.79.2.1-4 peer
/// </code>
/// </summary>
internal sealed class SeenHost : IAsyncDisposable
{
    /// <summary>How many addresses each has besides.</summary>
    public const int Addresses = 4;

    /// <summary>Where connections are closed at once.</summary>
    public const int FirstPort = 7000;

    /// <summary>How many such ports there are.</summary>
    public const int Ports = 16;

    /// <summary>Where something is made to happen.</summary>
    public const int NudgePort = FirstPort + Ports;

    /// <summary>Where connections are held.</summary>
    public const int HoldingPort = NudgePort + 1;

    private readonly List<LoadProcess> _servers = [];

    private SeenHost(AgentUnderTest agent, NetworkNamespace peer) => (Agent, Peer) = (agent, peer);

    /// <summary>The agent.</summary>
    public AgentUnderTest Agent { get; }

    /// <summary>The other end.</summary>
    public NetworkNamespace Peer { get; }

    /// <summary>Who serves on the host, by address.</summary>
    public Dictionary<string, uint> Servers { get; } = [];

    /// <summary>One of the host's addresses.</summary>
    public static string HostAddress(int index) => $"10.79.1.{1 + (index % Addresses)}";

    /// <summary>One of the peer's addresses.</summary>
    public static string PeerAddress(int index) => $"10.79.2.{1 + (index % Addresses)}";

    /// <summary>Brings it up, with a policy that blocks nothing.</summary>
    public static async Task<SeenHost> StartAsync(NamedNamespaces namespaces, CancellationToken cancel)
    {
        var peer = await namespaces.AddAsync("peer", cancel);
        var agent = await AgentUnderTest.StartAsync(namespaces, "host", cancel);
        var host = new SeenHost(agent, peer);
        try
        {
            await VethPair.JoinAsync(agent.Network, peer, cancel);
            await AddAddressesAsync(agent.Network, HostAddress, "10.79.2.0/24", "10.79.0.2", cancel);
            await AddAddressesAsync(peer, PeerAddress, "10.79.1.0/24", "10.79.0.1", cancel);
            agent.Controller.Push(new HostPolicy { Generation = new() { Epoch = 1, Number = 1 }, Inbound = Mode.Visibility, Outbound = Mode.Visibility });
            await agent.ReportsAsync(state => state.Applied is { Number: 1 }, "it has the policy", cancel);
            host.Serve();
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _servers.ForEach(server => server.Dispose());
        await Agent.DisposeAsync();
    }

    private void Serve()
    {
        object[] ports = [.. Enumerable.Range(FirstPort, Ports + 2).Cast<object>()];
        for (var i = 0; i < Addresses; i++)
        {
            var server = LoadProcess.Start(Agent.Network, ["serve", HostAddress(i), .. ports]);
            _servers.Add(server);
            Servers[HostAddress(i)] = server.Pid;
            _servers.Add(LoadProcess.Start(Peer, ["serve", PeerAddress(i), .. ports]));
        }

        _servers.ForEach(server => server.ReadLine());
    }

    private static async Task AddAddressesAsync(NetworkNamespace network, Func<int, string> address, string other, string gateway, CancellationToken cancel)
    {
        var lines = Enumerable.Range(0, Addresses).Select(i => $"addr add {address(i)}/32 dev bench").Append($"route add {other} via {gateway}");
        await VethPair.RunInAsync(network, ["ip", "-batch", "-"], string.Join('\n', lines) + "\n", cancel);
    }
}
