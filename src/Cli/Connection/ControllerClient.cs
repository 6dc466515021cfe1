using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Connection;

/// <summary>The controller's REST API. Every failure arrives as a <see cref="Failure"/> with the exit code that it means.</summary>
internal sealed class ControllerClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Uri _url;
    private readonly HttpClient _http;

    /// <param name="url">The controller's base address.</param>
    /// <param name="authority">The only authority trusted.</param>
    /// <param name="key">An API key; null to use the session cookie that signing in sets.</param>
    public ControllerClient(Uri url, X509Certificate2 authority, string? key)
    {
        _url = url;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = key is null,
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            SslOptions = Authority.Trusting(authority),
        };
        _http = new(handler) { BaseAddress = new(url, "api/v1/"), Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.Add("X-Bulkhead", "1");
        if (key is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        }
    }

    public void Dispose() => _http.Dispose();

    public async Task<T> GetAsync<T>(string path, CancellationToken cancel) =>
        await AskAsync(new(HttpMethod.Get, path), response => ReadAsync<T>(response, cancel), cancel).ConfigureAwait(false);

    /// <summary>Also the version of what was read, as <c>If-Match</c> takes it.</summary>
    public async Task<(T Value, EntityTagHeaderValue? Version)> GetVersionedAsync<T>(string path, CancellationToken cancel) =>
        await AskAsync(new(HttpMethod.Get, path), async response => (await ReadAsync<T>(response, cancel).ConfigureAwait(false), response.Headers.ETag), cancel).ConfigureAwait(false);

    public async Task<T> SendAsync<T>(HttpMethod method, string path, object? body, CancellationToken cancel, EntityTagHeaderValue? version = null) =>
        await AskAsync(Request(method, path, body, version), response => ReadAsync<T>(response, cancel), cancel).ConfigureAwait(false);

    public async Task SendAsync(HttpMethod method, string path, object? body, CancellationToken cancel) =>
        await AskAsync(Request(method, path, body, null), static _ => Task.FromResult(true), cancel).ConfigureAwait(false);

    /// <summary>All items of a paged list, at most <paramref name="limit"/>, with the total that the controller knows.</summary>
    public async Task<Page<T>> GetAllAsync<T>(string path, int limit, CancellationToken cancel)
    {
        var items = new List<T>();
        string? after = null;
        while (true)
        {
            var page = await GetAsync<Page<T>>(Query.Add(path, ("limit", Math.Min(limit - items.Count, 500)), ("after", after)), cancel).ConfigureAwait(false);
            items.AddRange(page.Items);
            after = page.Next;
            if (after is null || items.Count >= limit || page.Items.Count == 0)
            {
                return new(items, page.Total, after);
            }
        }
    }

    /// <summary>Live events until cancelled. The first element is null and says that the subscription stands: what happens from here on is not missed.</summary>
    /// <param name="watch">A selector of workloads that report every second meanwhile; null for none.</param>
    /// <param name="cancel">Ends it.</param>
    public async IAsyncEnumerable<LiveEvent?> EventsAsync(string? watch, [EnumeratorCancellation] CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Query.Add("events", ("watch", watch)));
        request.Headers.Accept.Add(new("text/event-stream"));
        using var response = await StartAsync(request, cancel).ConfigureAwait(false);
        yield return null;

        var stream = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        await using var events = SseParser.Create(stream, static (_, data) => JsonSerializer.Deserialize<LiveEvent>(data, RestJson.Options)).EnumerateAsync(cancel).GetAsyncEnumerator(cancel);
        while (await NextAsync(events, cancel).ConfigureAwait(false))
        {
            yield return events.Current.Data;
        }
    }

    private async Task<bool> NextAsync<T>(IAsyncEnumerator<T> events, CancellationToken cancel)
    {
        try
        {
            return await events.MoveNextAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (Unreachable.Describes(error, cancel))
        {
            throw Unreachable.From(error, _url);
        }
    }

    private static HttpRequestMessage Request(HttpMethod method, string path, object? body, EntityTagHeaderValue? version)
    {
        var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body, body.GetType(), options: RestJson.Options) };
        if (version is not null)
        {
            request.Headers.IfMatch.Add(version);
        }

        return request;
    }

    private async Task<T> AskAsync<T>(HttpRequestMessage request, Func<HttpResponseMessage, Task<T>> read, CancellationToken cancel)
    {
        using (request)
        using (var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel))
        {
            patience.CancelAfter(Patience);
            try
            {
                using var response = await StartAsync(request, patience.Token).ConfigureAwait(false);
                return await read(response).ConfigureAwait(false);
            }
            catch (Exception error) when (Unreachable.Describes(error, cancel))
            {
                throw Unreachable.From(error, _url);
            }
        }
    }

    private async Task<HttpResponseMessage> StartAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HttpRequestException)
        {
            throw Unreachable.From(error, _url);
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw await RefusalAsync(response, cancel).ConfigureAwait(false);
        }
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancel)
    {
        try
        {
            return await response.Content.ReadFromJsonAsync<T>(RestJson.Options, cancel).ConfigureAwait(false) ?? throw new JsonException("null");
        }
        catch (JsonException error)
        {
            throw new Failure(ExitCode.Refused, $"The controller at {_url} answered in a form that this version does not know: {error.Message}", "Use the bulkhead command of the controller's version.");
        }
    }

    private static async Task<Failure> RefusalAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        var problem = await ProblemOfAsync(response, cancel).ConfigureAwait(false);
        var status = (int)response.StatusCode;
        var (exitCode, usual) = response.StatusCode switch
        {
            HttpStatusCode.Unauthorized => (ExitCode.NotSignedIn, "Your key is not valid, or no longer. Sign in: bulkhead login URL --ca-sha256 FINGERPRINT"),
            HttpStatusCode.Forbidden when problem?.Code == "must-change-password" => (ExitCode.NotSignedIn, "Sign in again with: bulkhead login"),
            HttpStatusCode.Forbidden => (ExitCode.Forbidden, "Ask an administrator for a role that may do this."),
            HttpStatusCode.NotFound => (ExitCode.NotFound, null),
            HttpStatusCode.Conflict when problem?.Code.EndsWith("-changed", StringComparison.Ordinal) == true => (ExitCode.Conflict, "Look at it again, and repeat the command."),
            HttpStatusCode.ServiceUnavailable => (ExitCode.Unreachable, "Try again shortly."),
            _ => (ExitCode.Refused, (string?)null),
        };
        return new(exitCode, problem?.Title ?? $"The controller answered {status} {response.ReasonPhrase}.", problem?.Detail ?? usual, problem?.Diagnostics) { Code = problem?.Code };
    }

    private static async Task<Problem?> ProblemOfAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        if (response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) != true)
        {
            return null;
        }

        try
        {
            return await response.Content.ReadFromJsonAsync<Problem>(RestJson.Options, cancel).ConfigureAwait(false);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
