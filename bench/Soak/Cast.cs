using System.Net;
using Bulkhead.Lab;
using Bulkhead.Policy.Documents;
using Bulkhead.Scenarios;
using Bulkhead.Scenarios.Story;

namespace Bulkhead.Bench.Soak;

/// <summary>
/// Who tries what: on each host that rules with conditions concern, the right process or person beside the wrong one, to the same port.
/// <code>
/// app1   appserver.service ─► mariadb, redis, payments      web1   nginx.service ─► app1
///        /run/soak/clerk   ─► ledger, not the impostor      jump1  ann ─► mariadb
///        /run/soak/thief   ─► nothing                              bob ─► nothing
/// cache1 /run/soak/ledger on 7000, /run/soak/thief on 7001, where only the ledger may serve
/// </code>
/// </summary>
internal sealed class Cast
{
    private const int Ledger = 7_000;
    private const int Impostor = 7_001;

    private static readonly string[] s_programs = ["/run/soak/clerk", "/run/soak/thief", "/run/soak/ledger"];

    private readonly RunningLab _lab;

    /// <summary>Nobody plays yet.</summary>
    public Cast(Stage stage)
    {
        _lab = stage.Lab;
        var app = Add("app1", "appserver.service/probe");
        var proxy = Add("web1", "nginx.service/probe");
        var clerk = Add("app1", "clerk.service", "clerk");
        var thief = Add("app1", "thief.service", "thief");
        var (ann, bob) = (Add("jump1", "ann.scope", person: "ann"), Add("jump1", "bob.scope", person: "bob"));
        Add("cache1", "ledger.service", "ledger", Ledger);
        Add("cache1", "impostor.service", "thief", Impostor);
        foreach (var isV6 in (bool[])[false, true])
        {
            var (mariadb, redis, shop, payments) = (Service("db1/mariadb", isV6), Service("cache1/redis", isV6), Service("app1/appserver", isV6), Service("pay-app1/appserver", isV6));
            var (ledger, impostor) = (new IPEndPoint(_lab["cache1"].Address(isV6), Ledger), new IPEndPoint(_lab["cache1"].Address(isV6), Impostor));
            Trials.AddRange(
            [
                new(app, mariadb, true), new(app, redis, true), new(app, payments, true), new(app, ledger, false),
                new(proxy, shop, true), new(proxy, redis, false),
                new(clerk, ledger, true), new(clerk, impostor, false), new(clerk, mariadb, false),
                new(thief, ledger, false), new(thief, mariadb, false),
                new(ann, mariadb, true), new(bob, mariadb, false),
            ]);
        }
    }

    /// <summary>All who play.</summary>
    public List<Actor> Actors { get; } = [];

    /// <summary>All that they try.</summary>
    public List<Trial> Trials { get; } = [];

    /// <summary>What is tried from outside of all units, as a process that nobody knows: what asks for one must fail, the rest as before.</summary>
    public List<ProbePair> Strangers =>
    [
        .. Surviving.Pairs(_lab).Where(pair => !pair.Allowed),
        .. _lab.Links
            .Where(link => link.Protocol == "tcp" && link.To.Host != DaemonRef.Controller && Fencing.IsFenced(_lab[link.To.Host].Declaration.Labels))
            .DistinctBy(link => (link.From.Host, link.To.Host, link.Port))
            .Select(link => new ProbePair(_lab[link.From.Host], Service($"{link.To.Host}/{link.To.Daemon}", link.Ipv6), link.To.Daemon is "nginx" or "node-exporter")),
    ];

    /// <summary>A policy with the rules for the ledger besides.</summary>
    public static PolicyDocument WithLedger(PolicyDocument policy) => policy with
    {
        Services = [.. policy.Services, new() { Name = "ledger", Ports = [$"tcp/{Ledger}-{Impostor}"], Process = new() { Path = "/run/soak/ledger" } }],
        Rulesets =
        [
            .. policy.Rulesets,
            new()
            {
                Name = "ledger",
                Scopes = [new() { Selector = "app=storefront,env=prod" }],
                Rules = [new() { From = "role=app", To = "role=cache", Services = ["ledger"], FromProcess = new() { Path = "/run/soak/clerk" } }],
            },
        ],
    };

    /// <summary>Installs the programs and has all play.</summary>
    public async Task EnterAsync(CancellationToken cancel)
    {
        foreach (var host in Actors.Select(actor => actor.Host).Distinct())
        {
            await UpgradeAsync(host, cancel);
        }

        foreach (var actor in Actors)
        {
            await actor.StartAsync(cancel);
        }
    }

    /// <summary>Puts other files, of the same content, in the programs' places.</summary>
    public static async Task UpgradeAsync(LabHost host, CancellationToken cancel)
    {
        foreach (var program in s_programs)
        {
            await host.InstallAsync(program, Puppet.Perl, cancel);
        }
    }

    private Actor Add(string host, string place, string? program = null, int? port = null, string? person = null)
    {
        var user = person is null ? (uint?)null : _lab.Person(person).Id;
        var role = new PuppetRole(place) { Program = program is null ? Puppet.Perl : $"/run/soak/{program}", Login = user, User = user ?? 0 };
        Actors.Add(new(_lab[host], role) { Port = port });
        return Actors[^1];
    }

    private IPEndPoint Service(string name, bool isV6) => _lab.FindService(name).EndPoint(isV6);
}
