using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Bulkhead.Lab.Shop;

/// <summary>The shop's application server: <c>/</c> uses every backend, <c>/health</c> none.</summary>
internal static class AppServerProcess
{
    public static async Task RunAsync(string configurationFile, CancellationToken cancellationToken)
    {
        var configuration = JsonSerializer.Deserialize<AppConfiguration>(await File.ReadAllTextAsync(configurationFile, cancellationToken))!;
        Backend[] backends =
        [
            .. configuration.MariaDb.Select(account => new MariaDbBackend(account)),
            .. configuration.PostgreSql.Select(connection => new PostgreSqlBackend(connection)),
            .. configuration.Redis.Select(host => new RedisBackend(host)),
            .. configuration.Services.Select(address => new HttpBackend(address)),
        ];

        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseSockets().ConfigureKestrel(options => options.ListenAnyIP(configuration.Port));
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        await using var app = builder.Build();
        app.Run(async context =>
        {
            if (context.Request.Path == "/health")
            {
                await context.Response.WriteAsync("ok\n", context.RequestAborted);
                return;
            }

            await AnswerAsync(context, configuration.Name, backends);
        });
        await app.RunAsync(cancellationToken);
    }

    private static async Task AnswerAsync(HttpContext context, string name, Backend[] backends)
    {
        var answers = await Task.WhenAll(backends.Select(backend => AskAsync(backend, context.RequestAborted)));
        context.Response.StatusCode = Array.TrueForAll(answers, answer => answer.Succeeded)
            ? StatusCodes.Status200OK
            : StatusCodes.Status502BadGateway;
        await context.Response.WriteAsync(
            $"{name}\n{string.Concat(answers.Select(answer => $"{answer.Backend}: {answer.Text.Trim()}\n"))}", context.RequestAborted);
    }

    private static async Task<(string Backend, bool Succeeded, string Text)> AskAsync(Backend backend, CancellationToken cancellationToken)
    {
        try
        {
            return (backend.Name, true, await backend.AskAsync(cancellationToken));
        }
        catch (Exception e) when (e is IOException or SocketException or HttpRequestException or NpgsqlException or OperationCanceledException or TimeoutException)
        {
            return (backend.Name, false, "failed: " + e.Message);
        }
    }
}
