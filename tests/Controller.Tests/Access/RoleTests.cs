using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Bulkhead.Controller.Tests.Access;

/// <summary>Goes through every endpoint that there is, whoever adds it.</summary>
public sealed class RoleTests
{
    private static readonly string[] s_public = ["GET /healthz", "POST /api/v1/session", "GET /api/v1/authority"];

    [Fact]
    public async Task Every_endpoint_refuses_strangers_and_lower_roles()
    {
        await using var controller = await TestController.StartAsync();
        using var stranger = controller.Anonymous();
        using var viewer = await controller.ClientAsync(AccessRole.Viewer);
        using var editor = await controller.ClientAsync(AccessRole.Editor);
        using var firstTimer = controller.Anonymous();
        await firstTimer.PostAsync<SessionView>("session", new SignIn("admin", controller.OneTimePassword!));
        var seen = 0;
        foreach (var (method, path, role) in Endpoints(controller).Where(e => !s_public.Contains($"{e.Method} {e.Path}")))
        {
            seen++;
            await stranger.RefusedAsync(new(method), path, Body(method), 401, "not-signed-in");
            if (role == Roles.SignedIn)
            {
                continue;
            }

            await firstTimer.RefusedAsync(new(method), path, Body(method), 403, "must-change-password");
            if (role is Roles.Editor or Roles.Admin)
            {
                await viewer.RefusedAsync(new(method), path, Body(method), 403, "role-too-low");
            }

            if (role == Roles.Admin)
            {
                await editor.RefusedAsync(new(method), path, Body(method), 403, "role-too-low");
            }
        }

        Assert.True(seen > 30, $"only {seen} endpoints were found");
    }

    [Fact]
    public async Task Every_write_takes_an_editor_at_least()
    {
        await using var controller = await TestController.StartAsync();
        Assert.DoesNotContain(Endpoints(controller), e => e.Method != "GET" && e.Role is Roles.Viewer);
        Assert.All(
            Endpoints(controller).Where(e => e.Path.Contains("api-keys", StringComparison.Ordinal) || e.Path.Contains("pairing-keys", StringComparison.Ordinal)),
            e => Assert.Equal(Roles.Admin, e.Role));
    }

    [Fact]
    public async Task Neither_listener_answers_for_the_other()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        Assert.Equal(404, (int)(await admin.Http.GetAsync(new Uri(controller.Rest, "/agent/v1/authority"))).StatusCode);
        using var wrong = new ApiClient(controller.Agents, controller.Authority.Certificate);
        wrong.Http.DefaultRequestVersion = System.Net.HttpVersion.Version20;
        Assert.Equal(404, (int)(await wrong.Http.GetAsync(new Uri("status", UriKind.Relative))).StatusCode);
    }

    [Fact]
    public async Task Every_answer_carries_the_security_headers()
    {
        await using var controller = await TestController.StartAsync();
        using var client = controller.Anonymous();
        using var response = await client.Http.GetAsync(new Uri(controller.Rest, "/healthz"));
        Assert.Equal("ok", await response.Content.ReadAsStringAsync());
        Assert.Contains("frame-ancestors 'none'", Assert.Single(response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.DoesNotContain("script-src 'self' 'unsafe", Assert.Single(response.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("X-Content-Type-Options")));
        Assert.NotEmpty(response.Headers.GetValues("Strict-Transport-Security"));
    }

    /// <summary>Without a body of its type a write does not match its endpoint at all.</summary>
    private static string? Body(string method) => method is "POST" or "PUT" ? "{}" : null;

    /// <summary>All endpoints of the REST listener, with made-up route values, and the policy that guards each.</summary>
    private static IEnumerable<(string Method, string Path, string Role)> Endpoints(TestController controller) =>
        from endpoint in controller.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        let pattern = endpoint.RoutePattern.RawText!
        where !pattern.StartsWith("/agent/", StringComparison.Ordinal)
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        let role = endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null
            ? "anonymous"
            : endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(data => data.Policy!).LastOrDefault() ?? Roles.Admin
        select (method, Fill(endpoint.RoutePattern), role);

    private static string Fill(Microsoft.AspNetCore.Routing.Patterns.RoutePattern pattern) =>
        "/" + string.Join('/', pattern.PathSegments.Select(segment => string.Concat(segment.Parts.Select(part => part switch
        {
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal => literal.Content,
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart { Name: "documentName" } => "v1",
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart { Name: "id" } => Guid.Empty.ToString(),
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart { Name: "number" } => "1",
            Microsoft.AspNetCore.Routing.Patterns.RoutePatternSeparatorPart separator => separator.Content,
            _ => "x",
        }))));
}
