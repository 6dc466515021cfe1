using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Contracts.Rest;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Harness;

/// <summary>The controller's REST API, over one connection that stays open, so that what is timed is the controller.</summary>
internal sealed class ControllerRest : IDisposable
{
    private readonly X509Certificate2 _authority;
    private readonly HttpClient _http;

    private ControllerRest(Uri url, X509Certificate2 authority, string key)
    {
        _authority = authority;
        _http = new(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = { CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { authority }, RevocationMode = X509RevocationMode.NoCheck } },
        })
        { BaseAddress = new(url, "api/v1/") };
        _http.DefaultRequestHeaders.Add("X-Bulkhead", "1");
        _http.DefaultRequestHeaders.Authorization = new("Bearer", key);
    }

    /// <summary>Signs in with a key made on the controller's own machine.</summary>
    public static async Task<ControllerRest> SignInAsync(ControllerProcess controller, CancellationToken cancel)
    {
        var key = await controller.CreateApiKeyAsync("bench", cancel);
        return new(controller.Url, X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(Path.Combine(controller.Data, "ca.crt"), cancel)), key);
    }

    /// <summary>Reads something.</summary>
    public async Task<T> GetAsync<T>(string path, CancellationToken cancel)
    {
        using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), cancel);
        return await ReadAsync<T>(response, path, cancel);
    }

    /// <summary>Sends something, on the condition that what it replaces is of a version, if one is given.</summary>
    public async Task<T> SendAsync<T>(HttpMethod method, string path, object body, CancellationToken cancel, string? version = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = JsonContent.Create(body, body.GetType(), options: RestJson.Options) };
        if (version is not null)
        {
            request.Headers.IfMatch.Add(new EntityTagHeaderValue(version));
        }

        using var response = await _http.SendAsync(request, cancel);
        return await ReadAsync<T>(response, path, cancel);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _authority.Dispose();
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response, string path, CancellationToken cancel) =>
        response.IsSuccessStatusCode
            ? (await response.Content.ReadFromJsonAsync<T>(RestJson.Options, cancel))!
            : throw new BenchException($"{path} answered {(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(cancel)}") { Status = response.StatusCode };
}
