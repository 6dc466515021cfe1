using System.Text.Json;

namespace Bulkhead.Lab.Shop;

/// <summary>Users' browsers: requests pages for ever, on connections that are soon replaced, and logs when a page starts or stops failing.</summary>
internal static class BrowserProcess
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromSeconds(1.2);

    public static async Task RunAsync(string configurationFile, CancellationToken cancellationToken)
    {
        var configuration = JsonSerializer.Deserialize<BrowserConfiguration>(await File.ReadAllTextAsync(configurationFile, cancellationToken))!;
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = ConnectionLifetime })
        {
            Timeout = TimeSpan.FromSeconds(5),
        };
        await Task.WhenAll(configuration.Pages.Select(page => BrowseAsync(client, page, cancellationToken)));
    }

    private static async Task BrowseAsync(HttpClient client, Uri page, CancellationToken cancellationToken)
    {
        var before = "";
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            var now = await RequestAsync(client, page, cancellationToken);
            if (now != before)
            {
                Console.WriteLine($"{TimeProvider.System.GetUtcNow():O} {page}: {now}");
                before = now;
            }
        }
    }

    private static async Task<string> RequestAsync(HttpClient client, Uri page, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await client.GetAsync(page, cancellationToken);
            return ((int)response.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture);
        }
        catch (HttpRequestException e)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "timeout";
        }
    }
}
