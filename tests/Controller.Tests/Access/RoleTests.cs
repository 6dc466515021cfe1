using System.Text.Json;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Bulkhead.Controller.Tests.Access;

/// <summary>Goes through every endpoint that there is, whoever adds it, as every role and as nobody.</summary>
public sealed class RoleTests
{
    /// <summary>What the OpenAPI document does not describe, and what guards it.</summary>
    private static readonly Dictionary<string, string> s_undescribed = new()
    {
        ["GET /healthz"] = "anonymous",
        ["GET /openapi/{documentName}.json"] = nameof(Permission.Read),
        ["GET /api/v1/{*path:nonfile}"] = PermissionPolicies.SignedIn,
    };

    [Fact]
    public async Task Every_endpoint_answers_those_that_the_table_says_and_nobody_else()
    {
        var (columns, rows) = EndpointTable.Read();
        Assert.Equal([EndpointTable.Nobody, EndpointTable.OneTime, .. EndpointTable.RoleNames], columns);
        await using var controller = await TestController.StartAsync();
        var described = await DescribedAsync(controller);
        Assert.Equal(described.Order(StringComparer.Ordinal), rows.Select(row => row.ToString()).Order(StringComparer.Ordinal));

        var wrong = new List<string>();
        foreach (var column in columns)
        {
            // What ends the session comes last.
            using var client = await ClientAsync(controller, column);
            foreach (var row in rows.OrderBy(row => row is { Method: "DELETE", Path: "/api/v1/session" }))
            {
                using var response = await client.SendAsync(new(row.Method), row.Example, row.Method is "POST" or "PUT" ? "{}" : null);
                if (Answer(column, row.Allowed.Contains(column)) is { } expected ? await CodeAsync(response) != expected : (int)response.StatusCode is 401 or 403)
                {
                    wrong.Add($"{column}: {row}: {(int)response.StatusCode}");
                }
            }
        }

        Assert.Empty(wrong);
        Assert.True(rows.Count > 50, $"only {rows.Count} endpoints were found");
    }

    [Fact]
    public async Task What_the_table_does_not_tell_of_is_known_too()
    {
        await using var controller = await TestController.StartAsync();
        var described = await DescribedAsync(controller);
        var rest = Endpoints(controller).Where(endpoint => !described.Contains(endpoint.Name)).ToDictionary(endpoint => endpoint.Name, endpoint => endpoint.Guard);
        Assert.Equal(s_undescribed.OrderBy(entry => entry.Key, StringComparer.Ordinal), rest.OrderBy(entry => entry.Key, StringComparer.Ordinal));
        using var stranger = controller.Anonymous();
        await stranger.RefusedAsync(HttpMethod.Get, "/openapi/v1.json", null, 401, "not-signed-in");
        await stranger.RefusedAsync(HttpMethod.Get, "/api/v1/no-such", null, 401, "not-signed-in");
    }

    [Fact]
    public async Task Every_write_but_that_of_ones_own_keys_takes_more_than_reading()
    {
        await using var controller = await TestController.StartAsync();
        Assert.DoesNotContain(Endpoints(controller), endpoint => !endpoint.Name.StartsWith("GET ", StringComparison.Ordinal) && !endpoint.Name.Contains("/api-keys", StringComparison.Ordinal) && (endpoint.Guard is nameof(Permission.Read) or nameof(Permission.Audit)));
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

    /// <summary>The code of the refusal that is expected; null for an answer, whatever it is.</summary>
    private static string? Answer(string column, bool allowed) => allowed ? null : column switch
    {
        EndpointTable.Nobody => "not-signed-in",
        EndpointTable.OneTime => "must-change-password",
        _ => "not-permitted",
    };

    private static async Task<string?> CodeAsync(HttpResponseMessage response) =>
        response.IsSuccessStatusCode ? null : JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("code").GetString();

    private static async Task<ApiClient> ClientAsync(TestController controller, string column)
    {
        switch (column)
        {
            case EndpointTable.Nobody:
                return controller.Anonymous();
            case EndpointTable.OneTime:
                var client = controller.Anonymous();
                await client.PostAsync<SessionView>("session", new SignIn("admin", controller.OneTimePassword!));
                return client;
            default:
                return await controller.ClientAsync(Enum.Parse<AccessRole>(column, ignoreCase: true));
        }
    }

    /// <summary>All operations of the OpenAPI document.</summary>
    private static async Task<HashSet<string>> DescribedAsync(TestController controller)
    {
        using var client = await controller.ClientAsync();
        using var document = JsonDocument.Parse(await client.Http.GetStringAsync(new Uri(controller.Rest, "/openapi/v1.json")));
        return [.. document.RootElement.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}"))];
    }

    /// <summary>All endpoints of the REST listener, and what guards each.</summary>
    private static IEnumerable<(string Name, string Guard)> Endpoints(TestController controller) =>
        from endpoint in controller.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        let pattern = "/" + endpoint.RoutePattern.RawText!.TrimStart('/')
        where !pattern.StartsWith("/agent/", StringComparison.Ordinal)
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        let guard = endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null
            ? "anonymous"
            : endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(data => data.Policy!).LastOrDefault() ?? nameof(Permission.ManageAccess)
        select ($"{method} {Plain(pattern)}", guard);

    /// <summary>Without the constraints of parameters, which the document leaves out; a group's own path ends without a slash.</summary>
    private static string Plain(string pattern) =>
        pattern.Contains('*', StringComparison.Ordinal) ? pattern : System.Text.RegularExpressions.Regex.Replace(pattern, ":[a-z]+}", "}").TrimEnd('/');
}
