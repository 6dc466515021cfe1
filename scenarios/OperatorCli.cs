using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bulkhead.Scenarios;

/// <summary>The operator at the command line: every step that a person would take is taken with <c>bulkhead</c> itself.</summary>
internal sealed class OperatorCli(string folder)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>A file below the operator's own folder, readable by its owner only.</summary>
    public string PrivateFile(string name, string text)
    {
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var path = Path.Combine(folder, name);
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        using var writer = new StreamWriter(file);
        writer.Write(text);
        return path;
    }

    /// <summary>Runs a command for its JSON.</summary>
    /// <exception cref="StoryException">It failed; the message holds what it printed.</exception>
    public async Task<T> AskAsync<T>(CancellationToken cancellationToken, params string[] arguments)
    {
        var output = await RunAsync(cancellationToken, [.. arguments, "--output", "json"]);
        return JsonSerializer.Deserialize<T>(output, Json) ?? throw new StoryException($"bulkhead {string.Join(' ', arguments)} printed nothing");
    }

    /// <summary>Runs a command.</summary>
    /// <exception cref="StoryException">It failed; the message holds what it printed.</exception>
    public async Task<string> RunAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        var (exit, output, error) = await TryAsync(cancellationToken, arguments);
        return exit == 0 ? output : throw new StoryException($"bulkhead {string.Join(' ', arguments)} ended with {exit}: {error.Trim()} {output.Trim()}");
    }

    /// <summary>Runs a command that may fail.</summary>
    public async Task<(int Exit, string Output, string Error)> TryAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        var start = new ProcessStartInfo(Programs.Cli, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XDG_CONFIG_HOME"] = folder;
        start.Environment["NO_COLOR"] = "1";
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, await output, await error);
    }
}
