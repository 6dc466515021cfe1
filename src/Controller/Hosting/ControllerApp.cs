using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Auditing;
using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Live;
using Bulkhead.Controller.Pairing;
using Bulkhead.Controller.Policies;
using Bulkhead.Controller.Policies.Approvals;
using Bulkhead.Controller.Policies.Trials;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Traffic;
using Bulkhead.Controller.Workloads;
using Microsoft.AspNetCore.Authorization;

namespace Bulkhead.Controller.Hosting;

/// <summary>
/// The wiring point.
/// <code>
/// console, CLI ──REST──► slices ──► Ledger ──► tables ──► LiveSnapshot ──► PolicyTargets ──► agents' streams
///                                   (one writer)              └──► LiveFeed ──► watchers
/// </code>
/// </summary>
public static class ControllerApp
{
    /// <summary>Builds the application; nothing is opened or listened to yet.</summary>
    public static WebApplication Build(ControllerOptions options, DataFolder data, CertificateAuthority authority, TimeProvider time)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.Logging.ClearProviders()
            .AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat, console.UseUtcTimestamp) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ ", true))
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("Microsoft.EntityFrameworkCore", LogLevel.Error)
            .AddFilter("Microsoft.AspNetCore.Diagnostics", LogLevel.None);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => Listeners.Configure(kestrel, options));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(5));
        AddServices(builder.Services, options, data, authority, time);
        var app = builder.Build();
        Use(app, options);
        return app;
    }

    /// <summary>Opens the store and connects what follows it; then the application may be started.</summary>
    /// <returns>The one-time password of the first account, if it was made just now.</returns>
    public static async Task<string?> OpenAsync(WebApplication app, CancellationToken cancellation)
    {
        var services = app.Services;
        var (live, ledger, feed) = (services.GetRequiredService<LiveState>(), services.GetRequiredService<Ledger>(), services.GetRequiredService<LiveFeed>());
        await ledger.OpenAsync(services.GetRequiredService<ControllerSelf>(), cancellation).ConfigureAwait(false);
        await services.GetRequiredService<ObservationKeeper>().RestoreAsync(cancellation).ConfigureAwait(false);
        await services.GetRequiredService<Rollout>().StartAsync(ledger, cancellation).ConfigureAwait(false);
        AgentChannel.Follow(live, services.GetRequiredService<PolicyTargets>(), services.GetRequiredService<AgentDirectory>(), services.GetRequiredService<WatchList>());
        SnapshotNews.Follow(live, feed);
        return await services.GetRequiredService<Passwords>().EnsureAdminAsync(ledger, services.GetRequiredService<DataFolder>(), cancellation).ConfigureAwait(false);
    }

    /// <summary>The store alone, for commands that work on a controller's data.</summary>
    public static IServiceCollection AddStorage(this IServiceCollection services, DataFolder data, TimeProvider time) => services
        .AddSingleton(time)
        .AddSingleton(data)
        .AddSingleton(_ => StoreDatabase.Of(data))
        .AddSingleton<LiveState>()
        .AddSingleton<Ledger>()
        .AddDbContextFactory<ControllerDb>((provider, db) =>
        {
            provider.GetRequiredService<StoreDatabase>().Configure(db);
            // There is no model snapshot: a test compares the migrated schema with the model instead.
            db.ConfigureWarnings(warnings => warnings.Ignore(Microsoft.EntityFrameworkCore.Diagnostics.RelationalEventId.PendingModelChangesWarning));
        });

    private static void AddServices(IServiceCollection services, ControllerOptions options, DataFolder data, CertificateAuthority authority, TimeProvider time)
    {
        services.AddStorage(data, time);
        services.AddSingleton(authority).AddSingleton(_ => ControllerSelf.Of(data, authority, options.AgentListen));
        services.AddSingleton(new ServerCertificate(authority, ServerCertificate.NamesOf([options.Listen, .. options.AgentListen], options.AgentNames), time));
        services.AddSingleton(new AgentUrl(UrlOf(options)));
        services.AddSingleton<LiveFeed>().AddSingleton<WatchList>().AddSingleton<Passwords>().AddSingleton<SignInThrottle>().AddSingleton<CallerLookup>();
        services.AddSingleton<AgentStatus>().AddSingleton<WorkloadViews>().AddSingleton<Rollout>().AddSingleton<AdminSessions>().AddSingleton<Acknowledgements>().AddSingleton<PlanViews>();
        services.AddAgentChannel();
        services.AddTraffic(data);
        services.AddSingleton<ObservationKeeper>().AddHostedService(provider => provider.GetRequiredService<ObservationKeeper>());
        services.AddHostedService<StoreFollower>().AddHostedService<AbsenceLimit>().AddHostedService<RuleExpiry>();
        services.AddSingleton<BlockWatch>().AddSingleton<Reversal>().AddHostedService(provider => provider.GetRequiredService<Reversal>());
        // The core alone: the full registration brings data protection, which writes key files that nothing here uses.
        services.AddAuthenticationCore(scheme =>
        {
            scheme.DefaultScheme = CallerAuthentication.SchemeName;
            scheme.AddScheme<CallerAuthentication>(CallerAuthentication.SchemeName, null);
        });
        services.AddSingleton(System.Text.Encodings.Web.UrlEncoder.Default).AddTransient<CallerAuthentication>();
        services.AddAuthorization(PermissionPolicies.Configure);
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, RefusalAnswers>();
        services.AddExceptionHandler<FailureAnswers>();
        services.AddProblemDetails();
        services.ConfigureHttpJsonOptions(json => JsonShape.Configure(json.SerializerOptions));
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddOpenApi(OpenApiDocument.Name, OpenApiDocument.Configure);
    }

    private static void Use(WebApplication app, ControllerOptions options)
    {
        app.Use(RequestGuards.AddHeaders);
        app.UseExceptionHandler();
        app.Use(Listeners.Separate);
        if (ConsoleFiles.Find(options.ConsoleFolder) is { } console)
        {
            ConsoleFiles.Use(app, console);
        }

        app.UseRouting();
        app.UseAuthentication();
        app.UseAuthorization();
        app.Use(RequestGuards.RequireWriteHeader);
        app.MapGet("/healthz", () => TypedResults.Text("ok")).AllowAnonymous().ExcludeFromDescription();
        app.MapOpenApi("/openapi/{documentName}.json").Requires(Permission.Read);
        app.MapAgentChannel().MapTrafficIngest();

        var api = app.MapGroup("/api/v1");
        AuthorityEndpoint.Map(api);
        SessionEndpoints.Map(api);
        AccountEndpoints.Map(api);
        ApiKeyEndpoints.Map(api);
        PairingKeyEndpoints.Map(api);
        StatusEndpoint.Map(api);
        AuditEndpoint.Map(api);
        EventsEndpoint.Map(api);
        LabelKeyEndpoints.Map(api);
        ApprovalSettingEndpoint.Map(api);
        api.MapTraffic();
        MapWorkloads(api.MapGroup("/workloads"));
        MapPolicy(api.MapGroup("/policy"));
        api.MapFallback((HttpContext context) => new ProblemResult(Problems.NotFound("such resource", context.Request.Path))).RequireAuthorization(PermissionPolicies.SignedIn).ExcludeFromDescription();
        // Explicit, so that the OpenAPI document of an application that was never started knows the endpoints too.
        app.UseEndpoints(_ => { });
    }

    private static void MapWorkloads(RouteGroupBuilder workloads)
    {
        ListWorkloads.Map(workloads);
        ShowWorkload.Map(workloads);
        ManageWorkloads.Map(workloads);
        EditLabelsEndpoint.Map(workloads);
    }

    private static void MapPolicy(RouteGroupBuilder policy)
    {
        DraftEndpoints.Map(policy);
        DraftObjectEndpoints.Map(policy);
        DraftProofs.Map(policy);
        PlanEndpoint.Map(policy);
        ProvisionEndpoint.Map(policy);
        RevisionEndpoints.Map(policy);
        ConfirmEndpoint.Map(policy);
        ApprovalEndpoints.Map(policy);
    }

    private static string UrlOf(ControllerOptions options)
    {
        var endpoint = ServerCertificate.Expand(options.AgentListen[0]).FirstOrDefault(options.AgentListen[0]);
        var host = options.AgentNames.Count > 0 ? options.AgentNames[0] : endpoint.Address.ToString();
        return $"https://{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{endpoint.Port}";
    }
}
