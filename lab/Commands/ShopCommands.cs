using System.CommandLine;
using Bulkhead.Lab.Shop;

namespace Bulkhead.Lab.Commands;

/// <summary>The shop's own programs, which lab hosts run: <c>app</c> and <c>browse</c>.</summary>
internal static class ShopCommands
{
    public static Command App() => Process("app", "Run the shop's application server.", AppServerProcess.RunAsync);

    public static Command Browse() => Process("browse", "Request the shop's pages for ever.", BrowserProcess.RunAsync);

    private static Command Process(string name, string description, Func<string, CancellationToken, Task> run)
    {
        var configuration = new Option<string>("--config") { Description = "its configuration (JSON)", Required = true };
        var command = new Command(name, description) { configuration };
        command.Hidden = true;
        command.SetAction((arguments, cancellationToken) => run(arguments.GetValue(configuration)!, cancellationToken));
        return command;
    }
}
