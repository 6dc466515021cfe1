using System.Reflection;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Flows;

namespace Bulkhead.Controller.Hosting;

/// <summary><c>GET /api/v1/status</c>: how the controller is doing.</summary>
public static class StatusEndpoint
{
    /// <summary>The controller's version.</summary>
    public static string Version { get; } =
        typeof(StatusEndpoint).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Maps it.</summary>
    public static void Map(RouteGroupBuilder api) =>
        api.MapGet("/status", (LiveState live, AgentDirectory agents, CertificateAuthority authority, AgentUrl agentUrl, FlowStore flows) =>
        {
            var snapshot = live.Current;
            return TypedResults.Ok(new StatusView(
                Version,
                snapshot.Settings.Generation.Epoch,
                snapshot.Provisioned.Number,
                snapshot.Entries.Count,
                snapshot.Entries.Values.Count(entry => entry.Agent is not null),
                agents.Connected,
                flows.EdgeCount,
                authority.Sha256,
                agentUrl.Value));
        }).Requires(Permission.Read).WithSummary("How the controller is doing.");
}
