using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Storage;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Hosting;

/// <summary>The command line of <c>bulkhead-controller</c>. Exit codes: 0 done, 1 failed, 2 usage.</summary>
public static class Commands
{
    internal static readonly Option<string> Data = new("--data") { Description = "The folder with all that the controller keeps.", Required = true };

    /// <summary>The root command.</summary>
    public static RootCommand Root()
    {
        var root = new RootCommand("The Bulkhead controller: inventory, policy, agents, REST and console.");
        foreach (var command in (Command[])[Run(), ResetPassword(), CreateApiKey(), VerifyAudit(), .. StoreCommands.All(), OpenApi()])
        {
            root.Add(command);
        }

        return root;
    }

    private static Command Run()
    {
        var listen = new Option<IPEndPoint>("--listen")
        {
            Description = "Where the console and REST listen, ADDRESS:PORT.",
            DefaultValueFactory = _ => new(IPAddress.Loopback, ControllerOptions.DefaultPort),
            CustomParser = result => Endpoints(result, ControllerOptions.DefaultPort) is [var only, ..] ? only : null,
        };
        var agentListen = new Option<IPEndPoint[]>("--agent-listen")
        {
            Description = "Where agents connect, ADDRESS:PORT[,ADDRESS:PORT…].",
            DefaultValueFactory = _ => [new(IPAddress.Loopback, ControllerOptions.DefaultAgentPort)],
            CustomParser = result => Endpoints(result, ControllerOptions.DefaultAgentPort),
        };
        var names = new Option<string[]>("--agent-name") { Description = "A name or address under which agents and people know the controller, for its certificate.", DefaultValueFactory = _ => [] };
        var console = new Option<string?>("--console") { Description = "The folder with the built console; wwwroot beside the program unless given." };
        var command = new Command("run", "Run the controller in the foreground; SIGTERM stops it.") { Data, listen, agentListen, names, console };
        command.SetAction((parsed, cancellation) => GuardedAsync(async () =>
        {
            using var data = DataFolder.Open(parsed.GetRequiredValue(Data));
            using var authority = CertificateAuthority.Open(data, TimeProvider.System);
            var options = new ControllerOptions
            {
                Listen = parsed.GetRequiredValue(listen),
                AgentListen = parsed.GetRequiredValue(agentListen),
                AgentNames = parsed.GetRequiredValue(names),
                ConsoleFolder = parsed.GetValue(console),
            };
            await using var app = ControllerApp.Build(options, data, authority, TimeProvider.System);
            if (await ControllerApp.OpenAsync(app, cancellation).ConfigureAwait(false) is { } password)
            {
                Console.WriteLine($"First run. Sign in as 'admin' with the one-time password: {password}");
            }

            var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Bulkhead.Controller");
            var snapshot = app.Services.GetRequiredService<LiveState>().Current;
            Log.Loaded(logger, snapshot.Provisioned.Number, snapshot.Settings.Generation.ToString(), snapshot.Entries.Count);
            await app.StartAsync(cancellation).ConfigureAwait(false);
            Log.Listening(logger, app.Urls.First(), app.Services.GetRequiredService<AgentUrl>().Value, authority.Sha256);
            await app.WaitForShutdownAsync(cancellation).ConfigureAwait(false);
        }));
        return command;
    }

    private static Command ResetPassword()
    {
        var keepKeys = new Option<bool>("--keep-keys") { Description = "Keep its API keys; they work again when the password was changed." };
        var command = new Command("reset-password", "Give 'admin' a one-time password, end its sessions and revoke its API keys.") { Data, keepKeys };
        command.SetAction((parsed, cancellation) => WithStoreAsync(parsed, async (ledger, data) =>
            Console.WriteLine($"Sign in as 'admin' with the one-time password: {await new Passwords().ResetAdminAsync(ledger, data, "access.reset", cancellation, parsed.GetValue(keepKeys)).ConfigureAwait(false)}"), cancellation));
        return command;
    }

    private static Command CreateApiKey()
    {
        var name = new Option<string>("--name") { Description = "What the key is for.", Required = true };
        var role = new Option<AccessRole[]>("--role") { Description = "What the key may do; repeat for more.", DefaultValueFactory = _ => [AccessRole.Viewer] };
        var command = new Command("create-api-key", "Make an API key for automation on this machine, and print its secret.") { Data, name, role };
        command.SetAction((parsed, cancellation) => WithStoreAsync(parsed, async (ledger, _) =>
        {
            var outcome = await ApiKeyEndpoints.MakeAsync(ledger, Ledger.System, new(parsed.GetRequiredValue(name), [.. parsed.GetRequiredValue(role).Select(granted => new Grant(granted, null))], null), cancellation).ConfigureAwait(false);
            Console.WriteLine(outcome.Value?.Secret ?? throw new InvalidDataException(string.Join(" ", outcome.Refusal!.Diagnostics.Select(d => d.Message))));
        }, cancellation));
        return command;
    }

    private static Command VerifyAudit()
    {
        var command = new Command("verify-audit", "Check the hash chain of the audit log.") { Data };
        command.SetAction((parsed, cancellation) => WithStoreAsync(parsed, async (ledger, _) =>
        {
            await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
            var broken = AuditChain.FirstBroken(database.Audit.AsNoTracking().OrderBy(a => a.Sequence).AsEnumerable());
            if (broken is { } sequence)
            {
                throw new InvalidDataException($"The audit log was altered at entry {sequence}.");
            }

            Console.WriteLine("The audit log is whole.");
        }, cancellation));
        return command;
    }

    private static Command OpenApi()
    {
        var command = new Command("openapi", "Print the OpenAPI document of REST.");
        command.SetAction((_, cancellation) => GuardedAsync(async () => Console.WriteLine(await OpenApiDocument.PrintAsync(cancellation).ConfigureAwait(false))));
        return command;
    }

    /// <summary>Works on the store of a controller that may be running.</summary>
    internal static Task<int> WithStoreAsync(ParseResult parsed, Func<Ledger, DataFolder, Task> work, CancellationToken cancellation) => WithServicesAsync(parsed, async (services, data) =>
    {
        var ledger = services.GetRequiredService<Ledger>();
        await ledger.AttachAsync(cancellation).ConfigureAwait(false);
        await work(ledger, data).ConfigureAwait(false);
    });

    /// <summary>The same, before anything is loaded.</summary>
    internal static Task<int> WithServicesAsync(ParseResult parsed, Func<IServiceProvider, DataFolder, Task> work) => GuardedAsync(async () =>
    {
        using var data = DataFolder.Attach(parsed.GetRequiredValue(Data));
        await using var services = new ServiceCollection().AddStorage(data, TimeProvider.System).AddLogging().BuildServiceProvider();
        await work(services, data).ConfigureAwait(false);
    });

    /// <summary>Says what went wrong in a sentence where the operator can mend it; anything else is a bug and throws.</summary>
    internal static async Task<int> GuardedAsync(Func<Task> work)
    {
        try
        {
            await work().ConfigureAwait(false);
            return 0;
        }
        catch (Exception problem) when (problem is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"bulkhead-controller: {problem.Message}").ConfigureAwait(false);
            return 1;
        }
        catch (Exception problem) when (StoreFailures.Find(problem) is { } failure)
        {
            await Console.Error.WriteLineAsync($"bulkhead-controller: the database failed: {failure.Message}").ConfigureAwait(false);
            return 1;
        }
    }

    private static IPEndPoint[]? Endpoints(ArgumentResult result, int defaultPort)
    {
        var endpoints = new List<IPEndPoint>();
        foreach (var text in result.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.TrimEntries)))
        {
            if (!IPEndPoint.TryParse(text, out var endpoint))
            {
                result.AddError($"'{text}' is not ADDRESS:PORT. Write 127.0.0.1:{defaultPort}, or [::1]:{defaultPort} for IPv6.");
                return null;
            }

            endpoints.Add(endpoint.Port == 0 && !text.EndsWith(":0", StringComparison.Ordinal) ? new(endpoint.Address, defaultPort) : endpoint);
        }

        return [.. endpoints];
    }
}
