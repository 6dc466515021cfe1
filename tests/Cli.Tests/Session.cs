using System.Text.Json;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Tests;

/// <summary>A person at a plain terminal with a configuration folder of their own; nobody can be asked.</summary>
internal sealed class Session : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("bulkhead-cli-");

    public Session() => Profile = new(PathOf("config/bulkhead/config.json"));

    public ProfileFile Profile { get; }

    /// <summary>A path in the person's folder.</summary>
    public string PathOf(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>A file in the person's folder.</summary>
    public string File(string name, string content)
    {
        System.IO.File.WriteAllText(PathOf(name), content);
        return PathOf(name);
    }

    /// <summary>Runs one command.</summary>
    public async Task<Result> RunAsync(CancellationToken cancel, params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var host = new CliHost(Terminal.Plain(output, error), Profile, TimeProvider.System);
        var exitCode = await BulkheadCommand.RunAsync(host, arguments, cancel);
        return new(exitCode, output.ToString(), error.ToString());
    }

    public Task<Result> RunAsync(params string[] arguments) => RunAsync(CancellationToken.None, arguments);

    public void Dispose() => _folder.Delete(recursive: true);
}

/// <summary>What a command left behind.</summary>
internal sealed record Result(int ExitCode, string Output, string Error)
{
    /// <summary>Fails with what the command said.</summary>
    public Result Expect(int exitCode)
    {
        Assert.True(exitCode == ExitCode, $"exit code {ExitCode}, not {exitCode}\n{Output}\n{Error}");
        return this;
    }

    /// <summary>What it wrote as JSON.</summary>
    public T Json<T>() => JsonSerializer.Deserialize<T>(Output, RestJson.Options)!;

    /// <summary>Fails if a secret was written anywhere.</summary>
    public void ExpectNoSecret(params ReadOnlySpan<string> secrets)
    {
        foreach (var secret in secrets)
        {
            Assert.NotEmpty(secret);
            Assert.DoesNotContain(secret, Output + Error, StringComparison.Ordinal);
        }
    }
}
