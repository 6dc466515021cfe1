using System.Net.Http.Json;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Console.Tests.Stage;

/// <summary>REST as an administrator, to seed what the browser then sees.</summary>
internal sealed class RestClient : IDisposable
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };
    private readonly HttpClient _http;

    private RestClient(HttpClient http) => _http = http;

    /// <summary>Signs in as <c>admin</c>.</summary>
    public static async Task<RestClient> SignInAsync(RunningController controller, string password)
    {
        var client = new RestClient(new(Trust.Handler(controller.AuthorityFile)) { BaseAddress = new(controller.Url, "/api/v1/") });
        client._http.DefaultRequestHeaders.Add("X-Bulkhead", "1");
        await client.PostAsync<SessionView>("session", new SignIn("admin", password));
        return client;
    }

    /// <summary>Signs in with the one-time password and changes it.</summary>
    public static async Task<RestClient> SignInFirstAsync(RunningController controller, string password)
    {
        var client = await SignInAsync(controller, controller.OneTimePassword);
        await client.PostAsync<SessionView>("session/password", new ChangePassword(controller.OneTimePassword, password));
        return client;
    }

    public async Task<T> PostAsync<T>(string path, object body) => await ReadAsync<T>(await _http.PostAsJsonAsync(path, body, s_json));

    public async Task<T> PutAsync<T>(string path, object body) => await ReadAsync<T>(await _http.PutAsJsonAsync(path, body, s_json));

    public async Task<T> GetAsync<T>(string path) => await ReadAsync<T>(await _http.GetAsync(new Uri(path, UriKind.Relative)));

    public void Dispose() => _http.Dispose();

    private static async Task<T> ReadAsync<T>(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonSerializer.Deserialize<T>(text, s_json)!
            : throw new HttpRequestException($"{response.RequestMessage!.Method} {response.RequestMessage.RequestUri!.PathAndQuery}: {(int)response.StatusCode} {text}");
    }
}

/// <summary>Trust in one controller's CA alone.</summary>
internal static class Trust
{
    public static SocketsHttpHandler Handler(string authorityFile, X509Certificate2? identity = null)
    {
        var authority = X509CertificateLoader.LoadCertificateFromFile(authorityFile);
        var handler = new SocketsHttpHandler
        {
            SslOptions =
            {
                CertificateChainPolicy = new()
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { authority },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
        };
        if (identity is not null)
        {
            handler.SslOptions.ClientCertificates = [identity];
        }

        return handler;
    }
}
