using System.CommandLine;
using System.Text.Json;
using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Policies;
using Bulkhead.Agent.State;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent explain</c>: what this host's policy does to a connection, and why.</summary>
internal static class ExplainCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var state = CommandOptions.State();
        var from = new Option<string?>("--from") { Description = "The address that connects to this host." };
        var to = new Option<string?>("--to") { Description = "The address that this host connects to." };
        var port = new Option<string>("--port") { Required = true, Description = "Such as tcp/443, udp/53 or icmp/8." };
        var process = new Option<string?>("--process") { Description = "Executable of this host's end." };
        var unit = new Option<string?>("--unit") { Description = "Systemd unit of this host's end." };
        var group = new Option<string[]>("--user-group") { Description = "A directory group of the user at this host's end." };
        var output = CommandOptions.Output();
        var command = new Command("explain", "Say whether a connection would pass this host, and why: exit code 0 passes, 6 blocked, 7 depends on what is not known.")
        {
            state, from, to, port, process, unit, group, output,
        };
        command.SetAction(parsed =>
        {
            var (direction, peer) = Peer(parsed.GetValue(from), parsed.GetValue(to));
            var groups = parsed.GetValue(group) is { Length: > 0 } named ? named.Order(StringComparer.Ordinal).ToEquatableArray() : (EquatableArray<string>?)null;
            var socket = (parsed.GetValue(process), parsed.GetValue(unit), groups) is var facts && facts == (null, null, null)
                ? SocketFacts.Unrecorded
                : SocketFacts.Of(facts.Item1, facts.Item2, facts.groups);
            var own = HostAddresses.Read().Local.Where(address => address.IsV6 == peer.IsV6).Cast<IpAddress?>().FirstOrDefault() ?? (peer.IsV6 ? IpAddress.Parse("::") : IpAddress.Parse("0.0.0.0"));
            var explanation = LocalExplanation.Of(LocalPolicy.Load(StateDirectory.At(parsed.GetRequiredValue(state))), direction, own, peer, Port(parsed.GetRequiredValue(port)), socket);
            Console.WriteLine(parsed.GetValue(output) == "json" ? JsonSerializer.Serialize(explanation, StateJson.Default.LocalExplanation) : string.Join('\n', explanation.Sentences));
            return explanation.Outcome switch { "allow" => ExitCodes.Good, "block" => ExitCodes.Blocked, _ => ExitCodes.Undecided };
        });
        return command;
    }

    private static (Direction, IpAddress) Peer(string? from, string? to)
    {
        if ((from is null) == (to is null))
        {
            throw new AgentException("bad-ends", "Exactly one of --from and --to is needed.", "Name the other end of the connection; this host is the one end.");
        }

        return IpAddress.TryParse(from ?? to, out var peer)
            ? (from is null ? Direction.Outbound : Direction.Inbound, peer)
            : throw new AgentException("bad-address", $"'{from ?? to}' is not an IP address.", "Write an IPv4 or IPv6 address.");
    }

    private static PortMatch Port(string text)
    {
        var problems = new List<Diagnostic>();
        return PortText.Parse(text, "--port", problems) is { } port && (port.First == port.Last || port.IsWholeProtocol)
            ? port
            : throw new AgentException("bad-port", problems.FirstOrDefault()?.Message ?? $"'{text}' is not a single port.", "Write one port, such as tcp/443.");
    }
}
