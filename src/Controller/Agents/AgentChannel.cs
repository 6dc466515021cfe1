using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Live;
using Bulkhead.Controller.Pairing;
using Bulkhead.Controller.Storage;

namespace Bulkhead.Controller.Agents;

/// <summary>The agent channel, as <c>docs/agent-channel.md</c> describes it.</summary>
public static class AgentChannel
{
    /// <summary>Registers what it needs.</summary>
    public static IServiceCollection AddAgentChannel(this IServiceCollection services) => services
        .AddSingleton<AgentDirectory>()
        .AddSingleton<PolicyTargets>()
        .AddSingleton<FeatureLosses>()
        .AddSingleton<PolicyStream>()
        .AddSingleton<KnownToPeers>()
        .AddSingleton<StateEndpoint>()
        .AddSingleton<RulesEndpoint>()
        .AddSingleton<PairingThrottle>()
        .AddSingleton<PairEndpoint>()
        .AddSingleton<RenewEndpoint>();

    /// <summary>
    /// The group of the channel's endpoints. The certificate takes the place of a caller's sign-in: each endpoint says which one it requires with
    /// <see cref="AgentAuthentication.RequireAgent"/>.
    /// </summary>
    public static RouteGroupBuilder MapAgentChannel(this IEndpointRouteBuilder app)
    {
        var channel = app.MapGroup("/agent/v1").AllowAnonymous().ExcludeFromDescription();
        channel.MapGet("/authority", (CertificateAuthority authority) => TypedResults.Bytes(authority.Certificate.RawData, "application/pkix-cert"));
        channel.MapPost("/pair", (HttpContext context, PairEndpoint pair) => pair.PairAsync(context));
        channel.MapPost("/renew", (HttpContext context, RenewEndpoint renew) => renew.RenewAsync(context)).RequireAgentToRenew();
        channel.MapGet("/policy", (HttpContext context, PolicyStream stream) => stream.ServeAsync(context)).RequireAgent();
        channel.MapPost("/state", (HttpContext context, StateEndpoint state) => state.ReceiveAsync(context)).RequireAgent();
        channel.MapPost("/rules", (HttpContext context, RulesEndpoint rules) => rules.AnswerAsync(context)).RequireAgent();
        return channel;
    }

    /// <summary>Connects the streams to the live state, each committed change of which wakes exactly the agents whose policy it changes, and to who is watched.</summary>
    public static void Follow(LiveState live, PolicyTargets targets, AgentDirectory directory, WatchList watched)
    {
        targets.Advance(live.Current);
        watched.Changed += workloads =>
        {
            foreach (var workload in workloads)
            {
                directory.Session(workload)?.Wake();
            }
        };
        live.Changed += (before, now) =>
        {
            if (!ReferenceEquals(before.Enforced, now.Enforced))
            {
                foreach (var workload in targets.Advance(now))
                {
                    directory.Session(workload)?.Wake();
                }
            }

            foreach (var gone in before.Entries.Where(pair => !now.Entries.TryGetValue(pair.Key, out var entry) || entry.Agent?.Pairing != pair.Value.Agent?.Pairing))
            {
                directory.Forget(gone.Key);
            }
        };
    }
}
