using System.Net;

namespace Bulkhead.Controller.Hosting;

/// <summary>How a controller is started.</summary>
public sealed record ControllerOptions
{
    /// <summary>The port of the console and REST unless another is given.</summary>
    public const int DefaultPort = 8443;

    /// <summary>The port of the agent channel unless another is given.</summary>
    public const int DefaultAgentPort = 8444;

    /// <summary>Where the console and REST listen.</summary>
    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, DefaultPort);

    /// <summary>Where agents connect; at least one.</summary>
    public IReadOnlyList<IPEndPoint> AgentListen { get; init; } = [new(IPAddress.Loopback, DefaultAgentPort)];

    /// <summary>More names and addresses under which clients know the controller, for its certificate; the first is the one told to agents.</summary>
    public IReadOnlyList<string> AgentNames { get; init; } = [];

    /// <summary>The folder with the built console; null for none.</summary>
    public string? ConsoleFolder { get; init; }
}
