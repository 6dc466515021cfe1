using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Controller.Traffic;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Controller.Tests.Traffic;

/// <summary>A small company with traffic and policy: the web, app and database of a shop in prod, its dev web, and payments.</summary>
internal sealed class TrafficWorld : IAsyncDisposable
{
    public static readonly SeenProcess Nginx = new("/usr/sbin/nginx", "nginx", "nginx.service", "www-data");
    public static readonly SeenProcess Shop = new("/opt/shop/app", "shop", "shop.service", "shop");
    public static readonly SeenProcess Mariadb = new("/usr/sbin/mariadbd", "mariadbd", "mariadb.service", "mysql");
    public static readonly SeenProcess Netcat = new("/usr/bin/nc", "nc", "", "root");

    private static readonly HashSet<string> s_keys = [.. LabelText.BuiltInKeys];
    private readonly List<Workload> _workloads = [];
    private readonly VerdictCache _verdicts = new();
    private ulong _sequence;

    public TrafficWorld()
    {
        Host("web", "role=web,app=shop,env=prod", "10.0.0.1", "fd00::1");
        Host("app", "role=app,app=shop,env=prod", "10.0.0.2");
        Host("db", "role=db,app=shop,env=prod", "10.0.0.3", "fd00::3");
        Host("dev", "role=web,app=shop,env=dev", "10.0.0.4", "fd00::4");
        Host("pay", "app=payments,env=prod", "10.0.0.5");
        Host("stray", "", "10.0.0.6");
    }

    public StoreFixture Fixture { get; } = new();

    public PolicyDocument Enforced { get; set; } = new();

    public PolicyDocument? Draft { get; set; }

    /// <summary>The shop's compartment: web → app → db; each in full inbound.</summary>
    public static PolicyDocument RingFence { get; } = new()
    {
        Rulesets =
        [
            new()
            {
                Name = "shop-prod",
                Scopes = [new() { Selector = "app=shop,env=prod" }],
                Rules =
                [
                    new() { Id = 1, From = "role=web", To = "role=app", Services = ["tcp/8080"] },
                    new() { Id = 2, From = "role=app", To = "role=db", Services = ["mariadb"] },
                ],
            },
        ],
        Services = [new() { Name = "mariadb", Ports = ["tcp/3306"], Process = new() { Path = "/usr/sbin/mariadbd" } }],
        Modes = [new() { Selector = "app=shop,env=prod", Inbound = "full" }],
    };

    public Workload this[string name] => _workloads.Single(workload => workload.Name == name);

    public void Host(string name, string labels, params string[] addresses) => _workloads.Add(new()
    {
        Id = new(new Guid(_workloads.Count + 1, 0, 0, new byte[8])),
        Name = name,
        Labels = LabelSet.Of(labels.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(label => new Label(label.Split('=')[0], label.Split('=')[1]))),
        Addresses = addresses.Select(address => ScopedAddress.Of(IpAddress.Parse(address))).ToEquatableArray(),
        Managed = true,
        Features = Features.All.ToEquatableArray(),
    });

    /// <summary>Both ends report a connection between workloads' first addresses, or literal ones.</summary>
    public async Task PassAsync(string from, string to, ushort port, SeenProcess? consumer = null, SeenProcess? provider = null, long connections = 1)
    {
        await SeeAsync(from, to, port, FlowSide.Source, consumer, connections);
        await SeeAsync(from, to, port, FlowSide.Destination, provider, connections);
    }

    public Task SeeAsync(string from, string to, ushort port, FlowSide side, SeenProcess? process = null, long connections = 1, bool blocked = false, long by = 0) =>
        Fixture.SubmitAsync(++_sequence, Fixture.Seen(Address(from), Address(to), port, side, process, connections, blocked: blocked, by: by));

    public CompiledPolicy Compile(PolicyDocument document)
    {
        var parsed = PolicyParser.Parse(document, s_keys);
        Assert.True(parsed.Ok, string.Join('\n', parsed.Diagnostics));
        return PolicyCompiler.Compile(parsed.Value!, new(_workloads), new(new(1, 1), StoreFixture.Start, []));
    }

    public TrafficPicture Picture() => new(Fixture.LastHour(), Compile(Enforced), () => Compile(Draft ?? Enforced), _verdicts);

    public MapView Map(string? group = null, string? within = null, TrafficView view = TrafficView.Reported, bool noise = false)
    {
        var problems = new List<Diagnostic>();
        var grouping = MapGrouping.Parse(group, within, s_keys, problems);
        Assert.Empty(problems);
        return MapBuilder.Build(Picture(), grouping!, view, noise, _ => false, Fixture.Time.GetUtcNow());
    }

    public string Because(string from, string to, ushort port, TrafficView view)
    {
        var picture = Picture();
        var edge = picture.Sample.Edges.Single(seen => seen.Edge.Port == port
            && seen.Edge.Source.Address == ScopedAddress.Of(IpAddress.Parse(Address(from))) && seen.Edge.Destination.Address == ScopedAddress.Of(IpAddress.Parse(Address(to)))).Edge;
        var verdict = picture.VerdictOn(edge, view).View;
        return $"{verdict.Kind}: {verdict.Because}";
    }

    public ValueTask DisposeAsync() => Fixture.DisposeAsync();

    private string Address(string name) => IpAddress.TryParse(name, out _) ? name : this[name].Addresses[0].Address.ToString();
}
