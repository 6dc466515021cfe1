using System.Net;
using Bulkhead.Contracts.Agent;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Console.Tests.Stage;

/// <summary>A small company: a shop in production and in development, payments, and shared services; each host a <see cref="SimulatedAgent"/>.</summary>
internal sealed class SeededCompany : IAsyncDisposable
{
    /// <summary>Name, last byte of the address, role, app, env.</summary>
    private static readonly (string Name, byte Address, string Role, string App, string Env)[] s_hosts =
    [
        ("client1", 10, "client", "users", "prod"),
        ("web1", 11, "web", "storefront", "prod"),
        ("web2", 12, "web", "storefront", "prod"),
        ("app1", 13, "app", "storefront", "prod"),
        ("app2", 14, "app", "storefront", "prod"),
        ("db1", 15, "db", "storefront", "prod"),
        ("cache1", 16, "cache", "storefront", "prod"),
        ("pay-app1", 17, "app", "payments", "prod"),
        ("pay-db1", 18, "db", "payments", "prod"),
        ("dev-web1", 21, "web", "storefront", "dev"),
        ("dev-app1", 22, "app", "storefront", "dev"),
        ("dev-db1", 23, "db", "storefront", "dev"),
        ("mon1", 31, "monitoring", "ops", "shared"),
        ("jump1", 32, "jump", "ops", "shared"),
        ("dns1", 33, "dns", "ops", "shared"),
    ];

    private static readonly (string From, string To, string Port, string Client, string Server)[] s_links =
    [
        ("client1", "web1", "tcp/80", "curl", "nginx"),
        ("client1", "web2", "tcp/80", "curl", "nginx"),
        ("web1", "app1", "tcp/8080", "nginx", "shop"),
        ("web2", "app2", "tcp/8080", "nginx", "shop"),
        ("app1", "db1", "tcp/3306", "shop", "mariadbd"),
        ("app2", "db1", "tcp/3306", "shop", "mariadbd"),
        ("app1", "cache1", "tcp/6379", "shop", "redis-server"),
        ("app2", "cache1", "tcp/6379", "shop", "redis-server"),
        ("app1", "pay-app1", "tcp/8090", "shop", "payments"),
        ("pay-app1", "pay-db1", "tcp/5432", "payments", "postgres"),
        ("dev-web1", "dev-app1", "tcp/8080", "nginx", "shop"),
        ("dev-app1", "dev-db1", "tcp/3306", "shop", "mariadbd"),
        ("dev-web1", "db1", "tcp/3306", "nc", "mariadbd"),
        ("dev-web1", "cache1", "tcp/6379", "nc", "redis-server"),
        ("dev-web1", "pay-db1", "tcp/5432", "nc", "postgres"),
        ("jump1", "web1", "tcp/22", "ssh", "sshd"),
        ("mon1", "web1", "tcp/9100", "prometheus", "node_exporter"),
        ("mon1", "app1", "tcp/9100", "prometheus", "node_exporter"),
        ("mon1", "db1", "tcp/9100", "prometheus", "node_exporter"),
        ("mon1", "pay-app1", "tcp/9100", "prometheus", "node_exporter"),
        ("web1", "dns1", "udp/53", "nginx", "dnsmasq"),
        ("app1", "dns1", "udp/53", "shop", "dnsmasq"),
        ("pay-app1", "dns1", "udp/53", "payments", "dnsmasq"),
    ];

    private readonly Dictionary<string, SimulatedAgent> _agents = [];

    /// <summary>Pairs the hosts, labels them, and lets them report their links.</summary>
    public static async Task<SeededCompany> MoveInAsync(RunningController controller, RestClient rest)
    {
        var company = new SeededCompany();
        var key = await rest.PostAsync<CreatedPairingKey>("pairing-keys",
            new CreatePairingKey("tests", new Dictionary<string, string>(), ["198.18.0.0/15"], null, DateTimeOffset.UtcNow.AddHours(1), true));
        foreach (var (name, address, _, _, _) in s_hosts)
        {
            var listeners = s_links.Where(l => l.To == name).Select(l => (l.Port, Process(l.Server))).DistinctBy(l => l.Port).ToList();
            company._agents[name] = await SimulatedAgent.PairAsync(controller, key.Secret, name, AddressOf(address), listeners);
        }

        var labels = s_hosts.Select(h => new LabelEdit(h.Name, new Dictionary<string, string> { ["role"] = h.Role, ["app"] = h.App, ["env"] = h.Env }, [], null));
        await rest.PostAsync<LabelEditResult>("workloads/labels", new EditLabels([.. labels], DryRun: false));
        await company.TalkAsync();
        return company;
    }

    /// <summary>Each host reports one window of its links, at both ends.</summary>
    public async Task TalkAsync()
    {
        foreach (var (name, agent) in _agents)
        {
            var outbound = s_links.Where(l => l.From == name).Select(l => (Flow(Direction.Outbound, l.To, l.Port), Process(l.Client)));
            var inbound = s_links.Where(l => l.To == name).Select(l => (Flow(Direction.Inbound, l.From, l.Port), Process(l.Server)));
            await agent.ReportAsync(outbound.Concat(inbound));
        }
    }

    /// <summary>The kernel of a host reports that it stopped a connection by its mode's default.</summary>
    public Task ReportBlockedAsync(string provider, string consumer, string port)
    {
        var flow = Flow(Direction.Inbound, consumer, port);
        (flow.Outcome, flow.DecidedBy, flow.Open) = (Outcome.Blocked, 0, 0);
        return _agents[provider].ReportAsync([(flow, Process(s_links.First(l => l.To == provider).Server))]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in _agents.Values)
        {
            await agent.DisposeAsync();
        }
    }

    private static FlowSummary Flow(Direction direction, string remote, string port)
    {
        var (protocol, number) = Ports.Parse(port);
        return new()
        {
            Direction = direction,
            RemoteAddress = SimulatedAgent.Bytes(AddressOf(s_hosts.Single(h => h.Name == remote).Address)),
            Protocol = protocol,
            Port = number,
            Outcome = Outcome.Passed,
            Connections = 40,
            BytesOut = 52_000,
            BytesIn = 480_000,
            PacketsOut = 400,
            PacketsIn = 520,
            Open = 1,
        };
    }

    private static ProcessInfo Process(string name) => new() { Path = $"/usr/sbin/{name}", Name = name, Unit = $"{name}.service", Pid = 100, StartTime = 1, User = "daemon", Uid = 1, LoginUid = uint.MaxValue };

    private static IPAddress AddressOf(byte last) => new([198, 18, 0, last]);
}
