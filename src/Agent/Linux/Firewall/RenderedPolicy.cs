using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>A policy's document and what it was made of, so that a change of members costs what changed.</summary>
/// <param name="Policy">The policy.</param>
/// <param name="Lookups">How the agent looked up names.</param>
/// <param name="Sockets">How owners of sockets were told apart.</param>
/// <param name="Document">What enforces it.</param>
/// <param name="IsRenewed">Whether it differs in members alone from the document before it.</param>
internal sealed record RenderedPolicy(HostPolicy Policy, NameLookups Lookups, SocketContext Sockets, FirewallDocument Document, bool IsRenewed)
{
    /// <summary>Renders a policy.</summary>
    public static RenderedPolicy Of(HostPolicy policy, NameLookups lookups, SocketContext sockets, RenderedPolicy? before)
    {
        var renewed = before is not null && before.Lookups == lookups && before.Sockets == sockets
            ? FirewallRenderer.Renew(before.Document, before.Policy, policy)
            : null;
        return new(policy, lookups, sockets, renewed ?? FirewallRenderer.Render(policy, lookups, sockets), renewed is not null);
    }
}
