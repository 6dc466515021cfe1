using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Live;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Flows;

namespace Bulkhead.Controller.Traffic;

/// <summary>Registers and maps what has to do with traffic.</summary>
public static class TrafficSlice
{
    /// <summary>Registers the flow store and those who read it.</summary>
    public static IServiceCollection AddTraffic(this IServiceCollection services, DataFolder data) => services
        .AddSingleton(new FlowStoreOptions(data.PathOf("flows")))
        .AddSingleton(provider =>
        {
            // Fetched now: the store's last commit comes when the provider is already being disposed of.
            var feed = provider.GetRequiredService<LiveFeed>();
            return new FlowStore(
                provider.GetRequiredService<FlowStoreOptions>(), provider.GetRequiredService<TimeProvider>(),
                () => feed.Publish(LiveKinds.Flows), provider.GetRequiredService<ILogger<FlowStore>>());
        })
        .AddSingleton<VerdictCache>()
        .AddSingleton<TrafficReader>()
        .AddSingleton<ReceiveFlows>()
        .AddHostedService<FlowStoreGuard>();

    /// <summary>Maps what agents send.</summary>
    public static void MapTrafficIngest(this RouteGroupBuilder channel) =>
        channel.MapPost("/flows", (HttpContext context, ReceiveFlows receive) => receive.ReceiveAsync(context)).RequireAgent();

    /// <summary>Maps what people ask.</summary>
    public static void MapTraffic(this RouteGroupBuilder api)
    {
        ListFlows.Map(api);
        ListScans.Map(api);
        ShowMap.Map(api);
        ExplainConnection.Map(api);
        ShowImpact.Map(api);
        ShowRule.Map(api);
    }

    /// <summary>Opens the store with the controller, and ends the controller if a bug ends the store's writer.</summary>
    private sealed class FlowStoreGuard(FlowStore store) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => store.Completion.WaitAsync(stoppingToken);
    }
}
