using System.Globalization;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Tests;

/// <summary>A small estate with a policy, to write tests against in a few words.</summary>
internal sealed class World
{
    public static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    public static readonly HashSet<string> Keys = [.. LabelText.BuiltInKeys];

    private readonly List<Workload> _workloads = [];

    public PolicyDocument Document { get; set; } = new();

    public IReadOnlyList<Workload> Workloads => _workloads;

    /// <summary>Adds a workload; labels as <c>role=web,app=shop</c>; the nth has 10.0.0.n and fd00::n.</summary>
    public World Host(string name, string labels, bool managed = true, IReadOnlyList<string>? features = null, bool quarantined = false, bool admitted = true)
    {
        var n = (uint)_workloads.Count + 1;
        _workloads.Add(new()
        {
            Id = new(new Guid((int)n, 0, 0, new byte[8])),
            Name = name,
            Labels = LabelSet.Of(labels.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(l => new Label(l.Split('=')[0], l.Split('=')[1]))),
            Addresses = [ScopedAddress.Of(IpAddress.V4(0x0a000000 + n)), ScopedAddress.Of(IpAddress.V6((UInt128.One * 0xfd00 << 112) + n))],
            Managed = managed,
            Features = (features ?? Features.All).ToEquatableArray(),
            Quarantined = quarantined,
            Admitted = admitted,
        });
        return this;
    }

    /// <summary>Lets the last workload be visible elsewhere: published as <c>192.0.2.1 tcp/8080 80</c>, <c>192.0.2.1 tcp/443 443 shared</c>; sources as <c>192.0.2.1</c>.</summary>
    public World Translated(IReadOnlyList<string> published, params string[] sources)
    {
        _workloads[^1] = _workloads[^1] with
        {
            Published = published.Select(text => text.Split(' ')).Select(part =>
            {
                Assert.True(PortMapping.TryCreate(PortText.Parse(part[1], "", [])!.Value, int.Parse(part[2], CultureInfo.InvariantCulture), out var mapping));
                return new Publication(ScopedAddress.Of(IpAddress.Parse(part[0])), mapping, part.Length > 3);
            }).Order().ToEquatableArray(),
            Sources = sources.Select(source => ScopedAddress.Of(IpAddress.Parse(source))).Order().ToEquatableArray(),
        };
        return this;
    }

    /// <summary>Puts the last workload into a space, with the addresses that it has.</summary>
    public World InSpace(string space, bool seesIt = true)
    {
        _workloads[^1] = _workloads[^1] with { Space = seesIt ? new(space) : default, Addresses = _workloads[^1].Addresses.Select(address => address with { Space = new(space) }).ToEquatableArray() };
        return this;
    }

    public World Modes(string selector, string inbound, string outbound)
    {
        Document = Document with { Modes = [.. Document.Modes, new() { Selector = selector, Inbound = inbound, Outbound = outbound }] };
        return this;
    }

    public World Ruleset(string name, string scope, params RuleDocument[] rules) => Ruleset(name, [new() { Selector = scope }], rules);

    public World Ruleset(string name, IReadOnlyList<ScopeDocument> scopes, params RuleDocument[] rules)
    {
        Document = Document with { Rulesets = [.. Document.Rulesets, new() { Name = name, Scopes = scopes, Rules = rules }] };
        return this;
    }

    public World Service(string name, ProcessDocument? process, params string[] ports)
    {
        Document = Document with { Services = [.. Document.Services, new() { Name = name, Ports = ports, Process = process }] };
        return this;
    }

    public World Network(string name, params string[] addresses)
    {
        Document = Document with { Networks = [.. Document.Networks, new() { Name = name, Addresses = addresses }] };
        return this;
    }

    public IReadOnlyList<Diagnostic> Problems() => PolicyParser.Parse(Document, Keys).Diagnostics;

    public PolicyModel Parse()
    {
        var parsed = PolicyParser.Parse(Document, Keys);
        Assert.True(parsed.Ok, string.Join('\n', parsed.Diagnostics));
        return parsed.Value!;
    }

    public CompiledPolicy Compile(DateTimeOffset? now = null) =>
        PolicyCompiler.Compile(Parse(), new(_workloads), new(new(1, 1), now ?? Now, [new(IpAddress.Parse("10.9.9.9"), 8444)]));

    public HostPolicy HostPolicy(string name) => Compile().Hosts[Named(name).Id];

    /// <summary>Judges <c>tcp/80</c>-like ports between hosts' IPv4 (or IPv6) addresses, or literal ones.</summary>
    public Verdict Judge(string from, string to, string port, SocketFacts? consumer = null, SocketFacts? provider = null, bool v6 = false) =>
        new PolicyEvaluator(Compile()).Judge(Connect(from, to, port, consumer, provider, v6));

    public Connection Connect(string from, string to, string port, SocketFacts? consumer = null, SocketFacts? provider = null, bool v6 = false)
    {
        var match = PortText.Parse(port, "", [])!.Value;
        return new(AddressSpace.Default, Address(from, v6), Address(to, v6), match.Protocol, match.First, consumer ?? SocketFacts.Unrecorded, provider ?? SocketFacts.Unrecorded);
    }

    private IpAddress Address(string name, bool v6) =>
        IpAddress.TryParse(name, out var literal) ? literal : Named(name).Addresses[v6 ? 1 : 0].Address;

    private Workload Named(string name) => _workloads.Single(w => w.Name == name);
}

/// <summary>Rules in a few words.</summary>
internal static class Write
{
    public static RuleDocument Allow(string from, string to, params string[] services) => Rule("allow", from, to, services);

    public static RuleDocument Deny(string from, string to, params string[] services) => Rule("deny", from, to, services);

    public static RuleDocument OverrideDeny(string from, string to, params string[] services) => Rule("override-deny", from, to, services);

    private static RuleDocument Rule(string action, string from, string to, string[] services) =>
        new() { From = from, To = to, Services = services, Action = action };
}
