using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Rest;
using Bulkhead.Lab;
using Bulkhead.Policy.Documents;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Soak;

/// <summary>
/// Changes everything that may change without touching what is probed: rules on ports that nobody probes, labels that the fence does not ask for, further
/// addresses, servers' workers, processes, conntrack, agents and the controller.
/// </summary>
internal sealed class Churn
{
    private const int FirstSpareAddress = 100;

    private readonly BenchmarkRun _run;
    private readonly Stage _stage;
    private readonly ControllerRest _rest;
    private readonly PolicyDocument _fence;
    private readonly ChurnRules _rules;
    private readonly Random _random;
    private readonly (string Name, int Weight, Func<Task> Act)[] _acts;
    private readonly SortedDictionary<string, int> _done = new(StringComparer.Ordinal);
    private readonly Dictionary<LabHost, int> _spare = [];
    private bool _added;

    /// <summary>Begins with the fence in force.</summary>
    public Churn(BenchmarkRun run, Stage stage, ControllerRest rest, PolicyDocument fence, Cast cast, Outages outages)
    {
        (_run, _stage, _rest, _fence, _random) = (run, stage, rest, fence, new(run.Seed));
        _rules = new(_random);
        _acts =
        [
            ("policy", 30, AddRulesAsync),
            ("relabel", 30, RelabelAsync),
            ("address", 15, AddressAsync),
            ("reload", 8, ReloadAsync),
            ("conntrack", 4, () => AnyHost().RunAsync(["conntrack", "-F"], _run.Cancel)),
            ("agent killed", 6, () => RestartAgentAsync(kill: true)),
            ("agent stopped", 4, () => RestartAgentAsync(kill: false)),
            ("controller killed", 2, () => RestartControllerAsync(kill: true)),
            ("controller stopped", 1, () => RestartControllerAsync(kill: false)),
            .. new ProcessActs(run, stage.Lab, cast, outages, _random).All,
        ];
    }

    /// <summary>Acts so far.</summary>
    public int Count => _done.Values.Sum();

    /// <summary>One act, drawn by weight, and a short while after it.</summary>
    public async Task NextAsync()
    {
        var at = _random.Next(_acts.Sum(act => act.Weight));
        var (name, _, act) = _acts.First(act => (at -= act.Weight) < 0);
        var began = TimeProvider.System.GetUtcNow();
        await act();
        _run.Progress(string.Create(CultureInfo.InvariantCulture, $"{began:HH:mm:ss.fff} to {TimeProvider.System.GetUtcNow():HH:mm:ss.fff} {name}"));
        _done[name] = _done.GetValueOrDefault(name) + 1;
        await Task.Delay(_random.Next(50, 1_000), _run.Cancel);
    }

    /// <summary>Has every host look after processes once, as it does from then on: what that takes of it is no growth.</summary>
    public async Task WarmUpAsync()
    {
        _added = true;
        await ProvisionAsync(ChurnRules.ForAll(_fence));
    }

    /// <summary>Takes back what acts have added: the fence alone, every host with its own addresses.</summary>
    public async Task CalmAsync()
    {
        foreach (var host in _spare.Keys.ToList())
        {
            await TakeAddressAsync(host);
        }

        if (_added)
        {
            await ProvisionAsync(_fence);
            _added = false;
        }
    }

    /// <summary>How often each act was done.</summary>
    public JsonObject ToJson() => new(_done.Select(act => KeyValuePair.Create(act.Key, (JsonNode?)act.Value)));

    private LabHost AnyHost() => _stage.Lab.Hosts[_random.Next(_stage.Lab.Hosts.Count)];

    private Task AddRulesAsync()
    {
        _added = true;
        return ProvisionAsync(_rules.AddTo(_fence));
    }

    private async Task ProvisionAsync(PolicyDocument policy)
    {
        // Rules of the fence keep their numbers; the others are new each time.
        var draft = await _rest.SendAsync<DraftStatus>(HttpMethod.Put, "policy/draft", policy, _run.Cancel);
        await _rest.SendAsync<RevisionView>(HttpMethod.Post, "policy/provision", new Provision("churn", draft.DraftVersion, ["would-lock-out", "left-out"]), _run.Cancel);
    }

    private Task<LabelEditResult> RelabelAsync() => _rest.SendAsync<LabelEditResult>(
        HttpMethod.Post, "workloads/labels", new EditLabels([new(AnyHost().Name, new Dictionary<string, string> { ["loc"] = Any(["fra", "ams", "lon"]) }, [], null)], false, ["left-out", "would-lock-out"]), _run.Cancel);

    private async Task AddressAsync()
    {
        var host = AnyHost();
        if (_spare.ContainsKey(host))
        {
            await TakeAddressAsync(host);
            return;
        }

        var free = Enumerable.Range(FirstSpareAddress, 100).First(number => !_spare.ContainsValue(number));
        await RunAsync(host, ["ip", "addr", "add", $"{Spare(host.Ipv4, free)}/24", "dev", "eth0"]);
        _spare[host] = free;
    }

    private async Task TakeAddressAsync(LabHost host)
    {
        await RunAsync(host, ["ip", "addr", "del", $"{Spare(host.Ipv4, _spare[host])}/24", "dev", "eth0"]);
        _spare.Remove(host);
    }

    private static IPAddress Spare(IPAddress own, int last)
    {
        var bytes = own.GetAddressBytes();
        bytes[3] = (byte)last;
        return new(bytes);
    }

    /// <summary>A web server replaces its workers, without refusing anybody.</summary>
    private Task ReloadAsync()
    {
        var servers = _stage.Lab.Hosts.Where(host => host.Declaration.Daemons.Any(daemon => daemon == "nginx")).ToList();
        var server = servers[_random.Next(servers.Count)];
        return RunAsync(server, ["kill", "-HUP", $"{server.Service("nginx").Processes().Min()}"]);
    }

    private async Task RestartAgentAsync(bool kill)
    {
        var host = AnyHost();
        await (kill ? _stage.Lab.Agents.KillAsync([host], _run.Cancel) : _stage.Lab.Agents.StopAsync([host], _run.Cancel));
        await _stage.Lab.Agents.StartAsync(null, [host], _run.Cancel);
    }

    private async Task RestartControllerAsync(bool kill)
    {
        await (kill ? _stage.Controller.KillAsync(_run.Cancel) : _stage.Controller.StopAsync(_run.Cancel));
        await _stage.Controller.StartAsync(_run.Cancel);
    }

    private async Task RunAsync(LabHost host, string[] command)
    {
        var result = await host.RunAsync(command, _run.Cancel);
        if (result.ExitCode != 0)
        {
            throw new BenchException($"{host.Name}: {string.Join(' ', command)}: {result.Error.Trim()}");
        }
    }

    private T Any<T>(T[] choices) => choices[_random.Next(choices.Length)];
}
