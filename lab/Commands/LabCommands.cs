using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace Bulkhead.Lab.Commands;

/// <summary>The command line: what all commands have in common.</summary>
internal static class LabCommands
{
    public static readonly Option<string> Id = new("--id") { Description = "the lab's id", DefaultValueFactory = _ => "demo" };

    public static readonly Option<string?> Folder = new("--dir") { Description = "its state folder (default: /run/bulkhead-lab/ID)" };

    public static readonly Option<string> Output = new("--output") { Description = "text or json", DefaultValueFactory = _ => "text" };

    /// <summary>Columns of a table that goes to a file or pipe, where lines may be as long as they need be.</summary>
    private const int RedirectedWidth = 200;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    static LabCommands() => Output.AcceptOnlyFromAmong("text", "json");

    public static RootCommand Root() => new("A small real datacentre in network namespaces.")
    {
        UpCommand.Create(), DownCommand.Create(), StatusCommand.Create(), LinksCommand.Create(), ExecCommand.Create(), AgentsCommand.Create(),
        AttackCommand.Create(), ProbeCommand.Create(), HoldCommand.Create(),
        ShopCommands.App(), ShopCommands.Browse(),
    };

    /// <summary>The lab that the options name.</summary>
    public static LabOptions LabOf(ParseResult arguments) => new(arguments.GetValue(Id)!, arguments.GetValue(Folder));

    /// <summary>A command on a lab; a <see cref="LabException"/> becomes a message and exit code 1.</summary>
    public static Command Create(
        string name, string description, Func<ParseResult, CancellationToken, Task<int>> action, params IEnumerable<Symbol> symbols)
    {
        var command = new Command(name, description) { Id, Folder };
        foreach (var symbol in symbols)
        {
            if (symbol is Option option)
            {
                command.Add(option);
            }
            else
            {
                command.Add((Argument)symbol);
            }
        }

        command.SetAction(async (arguments, cancellationToken) =>
        {
            try
            {
                return await action(arguments, cancellationToken);
            }
            catch (LabException e)
            {
                await Console.Error.WriteLineAsync("lab: " + e.Message);
                return 1;
            }
            catch (OperationCanceledException)
            {
                await Console.Error.WriteLineAsync("lab: interrupted");
                return 130;
            }
        });
        return command;
    }

    /// <summary>Prints a result as JSON, or as a table.</summary>
    public static void Print<T>(ParseResult arguments, T value, Func<Table> table)
    {
        if (arguments.GetValue(Output) == "json")
        {
            PrintJson(value);
        }
        else
        {
            if (Console.IsOutputRedirected)
            {
                AnsiConsole.Profile.Width = RedirectedWidth;
            }

            AnsiConsole.Write(table());
        }
    }

    /// <summary>Prints a result as JSON.</summary>
    public static void PrintJson<T>(T value) => Console.WriteLine(JsonSerializer.Serialize(value, Json));

    /// <summary>A table with those columns.</summary>
    public static Table TableOf(params string[] columns) => new Table().Border(TableBorder.Simple).AddColumns(columns);
}
