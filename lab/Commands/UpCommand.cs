using System.CommandLine;
using System.CommandLine.Parsing;

namespace Bulkhead.Lab.Commands;

/// <summary><c>lab up</c>.</summary>
internal static class UpCommand
{
    public static Command Create()
    {
        var file = new Option<string?>("--file") { Description = "the lab file (default: the company that comes with the lab)" };
        var hosts = new Option<string?>("--hosts") { Description = "only these hosts, separated by commas" };
        var agents = new AgentArguments();
        return LabCommands.Create("up", "Bring a lab up.", async (arguments, cancellationToken) =>
        {
            var options = LabCommands.LabOf(arguments) with
            {
                File = arguments.GetValue(file),
                Hosts = arguments.GetValue(hosts)?.Split(',', StringSplitOptions.RemoveEmptyEntries).ToHashSet(),
            };
            var agentOptions = agents.Read(arguments);
            var lab = await RunningLab.UpAsync(options, Console.WriteLine, cancellationToken);
            if (agentOptions is not null)
            {
                Console.WriteLine("starting agents");
                await lab.Agents.StartAsync(agentOptions, null, cancellationToken);
            }

            Console.WriteLine($"lab {lab.Id} is up: {lab.Hosts.Count} hosts{(agentOptions is null ? ", no agents" : ", each with an agent")}");
            return 0;
        },
        [file, hosts, .. agents.Options]);
    }
}

/// <summary>The options that say how to start agents: all or none.</summary>
internal sealed class AgentArguments
{
    private readonly Option<string?> _agent = new("--agent") { Description = "the agent's executable" };
    private readonly Option<Uri?> _controller = new("--controller")
    {
        Description = "the controller's agent address, such as https://198.18.7.1:8444",
        CustomParser = ReadAddress,
    };

    private readonly Option<string?> _caSha256 = new("--ca-sha256") { Description = "the SHA-256 of the controller's CA certificate" };
    private readonly Option<string?> _keyFile = new("--key-file") { Description = "a file with a pairing key" };

    public IEnumerable<Symbol> Options => [_agent, _controller, _caSha256, _keyFile];

    /// <summary>The options, or null if none of them is given.</summary>
    public AgentOptions? Read(ParseResult arguments) =>
        (arguments.GetValue(_agent), arguments.GetValue(_controller), arguments.GetValue(_caSha256), arguments.GetValue(_keyFile)) switch
        {
            (null, null, null, null) => null,
            ({ } agent, { } controller, { } ca, { } key) => new(agent, controller, ca, key),
            _ => throw new LabException("--agent, --controller, --ca-sha256 and --key-file belong together: give all of them or none"),
        };

    private static Uri? ReadAddress(ArgumentResult result)
    {
        if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps)
        {
            return address;
        }

        result.AddError($"'{result.Tokens[0].Value}' is not an https address such as https://198.18.7.1:8444");
        return null;
    }
}
