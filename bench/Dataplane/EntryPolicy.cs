using System.Globalization;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;

namespace Bulkhead.Bench.Dataplane;

/// <summary>The policy that allows a <see cref="Traffic"/> and nothing else, with both ends in full, as an operator would write it.</summary>
internal static class EntryPolicy
{
    /// <summary>The value of the label <c>role</c> of the client's workload, and its name.</summary>
    public const string Client = "bench-client";

    /// <summary>The value of the label <c>role</c> of the server's workload, and its name.</summary>
    public const string Server = "bench-server";

    /// <summary>Who alone may connect.</summary>
    /// <param name="Executable">On every other port: a program.</param>
    /// <param name="Group">On the others: users of a directory group.</param>
    internal sealed record Owners(string Executable, string Group);

    /// <summary>The policy: for each port a rule for either end, with a network of the addresses at the other.</summary>
    public static PolicyDocument Document(Traffic traffic, Owners? owners = null)
    {
        var networks = new List<NetworkDocument>();
        var rules = new List<RuleDocument>();
        foreach (var port in traffic.Routes.GroupBy(route => route.Port))
        {
            var (clients, servers) = ($"clients-{port.Key}", $"servers-{port.Key}");
            networks.Add(new() { Name = clients, Addresses = [.. port.Select(route => IpAddress.V4(route.Source).ToString())] });
            networks.Add(new() { Name = servers, Addresses = [.. port.Select(route => IpAddress.V4(route.Destination).ToString())] });
            string[] services = [string.Create(CultureInfo.InvariantCulture, $"tcp/{port.Key}"), string.Create(CultureInfo.InvariantCulture, $"udp/{port.Key}")];
            rules.Add(new()
            {
                From = $"role={Client}",
                To = $"network:{servers}",
                Services = services,
                FromProcess = owners is not null && port.Key % 2 == 0 ? new() { Path = owners.Executable } : null,
                Users = owners is not null && port.Key % 2 == 1 ? [owners.Group] : [],
            });
            rules.Add(new() { From = $"network:{clients}", To = $"role={Server}", Services = services });
        }

        return new()
        {
            Networks = networks,
            Rulesets = [new() { Name = "bench", Scopes = [new() { Selector = "all" }], Rules = rules }],
            Modes = [new() { Selector = "all", Inbound = "full", Outbound = "full" }],
        };
    }

    /// <summary>The same, compiled for the two hosts.</summary>
    public static (HostPolicy Client, HostPolicy Server) Compile(Traffic traffic, Owners? owners = null)
    {
        var document = Document(traffic, owners);
        var numbered = document with
        {
            Rulesets = [.. document.Rulesets.Select(ruleset => ruleset with { Rules = [.. ruleset.Rules.Select((rule, i) => rule with { Id = i + 1 })] })],
        };
        var model = PolicyParser.Parse(numbered, new HashSet<string>(["role"])) switch
        {
            { Value: { } parsed } => parsed,
            var refused => throw new Harness.BenchException($"the policy is refused: {string.Join("; ", refused.Diagnostics)}"),
        };
        var client = Host(1, Client);
        var server = Host(2, Server);
        var compiled = PolicyCompiler.Compile(model, new([client, server]), new(new(1, 1), default, []));
        return (compiled.Hosts[client.Id], compiled.Hosts[server.Id]);
    }

    private static Workload Host(byte id, string role) => new()
    {
        Id = new(new Guid(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, id)),
        Name = role,
        Labels = LabelSet.Of(("role", role)),
        Managed = true,
        Features = [Features.Base, Features.ProcessOutbound, Features.UserOutbound],
    };
}
