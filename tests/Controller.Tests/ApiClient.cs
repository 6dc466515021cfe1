using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Controller.Tests;

/// <summary>A REST client that trusts the controller's CA alone.</summary>
internal sealed class ApiClient : IDisposable
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public ApiClient(Uri address, X509Certificate2 authority)
    {
        var handler = new SocketsHttpHandler { CookieContainer = Cookies, UseProxy = false, AllowAutoRedirect = false, SslOptions = Trusting(authority) };
        Http = new(handler) { BaseAddress = new(address, "/api/v1/") };
        Http.DefaultRequestHeaders.Add("X-Bulkhead", "1");
    }

    public HttpClient Http { get; }

    public CookieContainer Cookies { get; } = new();

    public static SslClientAuthenticationOptions Trusting(X509Certificate2 authority)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(authority);
        return new() { CertificateChainPolicy = policy };
    }

    public void Authorize(string key) => Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);

    public Task<T> GetAsync<T>(string path) => ReadAsync<T>(HttpMethod.Get, path, null);

    public Task<T> PostAsync<T>(string path, object? body) => ReadAsync<T>(HttpMethod.Post, path, body);

    public Task<T> PutAsync<T>(string path, object? body) => ReadAsync<T>(HttpMethod.Put, path, body);

    /// <summary>Expects a success without a body.</summary>
    public async Task DeleteAsync(string path)
    {
        using var response = await SendAsync(HttpMethod.Delete, path, null);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }

    /// <summary>Expects a refusal.</summary>
    public async Task<Problem> RefusedAsync(HttpMethod method, string path, object? body, int status, string code)
    {
        using var response = await SendAsync(method, path, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, $"{method} {path}: expected {status}, got {(int)response.StatusCode}: {text}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = JsonSerializer.Deserialize<Problem>(text, s_json)!;
        Assert.Equal((status, code), (problem.Status, problem.Code));
        return problem;
    }

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body, string? ifMatch = null)
    {
        var request = new HttpRequestMessage(method, path)
        {
            Version = Http.DefaultRequestVersion,
            Content = body switch
            {
                null => null,
                string json => new StringContent(json, new MediaTypeHeaderValue("application/json")),
                _ => JsonContent.Create(body, body.GetType(), options: s_json),
            },
        };
        if (ifMatch is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        }

        return Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    public void Dispose() => Http.Dispose();

    private async Task<T> ReadAsync<T>(HttpMethod method, string path, object? body)
    {
        using var response = await SendAsync(method, path, body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{method} {path}: {(int)response.StatusCode}: {text}");
        return JsonSerializer.Deserialize<T>(text, s_json)!;
    }
}
