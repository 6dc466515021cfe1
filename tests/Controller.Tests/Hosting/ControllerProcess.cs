using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

namespace Bulkhead.Controller.Tests.Hosting;

/// <summary>The real executable, which can be killed.</summary>
internal sealed partial class ControllerProcess : IDisposable
{
    private readonly Process _process;
    private readonly string _folder;
    private readonly Uri _rest;

    private ControllerProcess(Process process, string folder, Uri rest) => (_process, _folder, _rest) = (process, folder, rest);

    public static async Task<ControllerProcess> StartAsync(string folder)
    {
        TestStore.Prepare(folder);
        var process = Start(folder, "run", "--listen", "127.0.0.1:0", "--agent-listen", "127.0.0.1:0");
        var lines = new List<string>();
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            lines.Add(line);
            if (Listening().Match(line) is { Success: true } match)
            {
                _ = process.StandardError.ReadToEndAsync();
                _ = process.StandardOutput.ReadToEndAsync();
                return new(process, folder, new(match.Groups[1].Value));
            }
        }

        throw new InvalidOperationException(string.Join('\n', lines));
    }

    /// <summary>Runs another command on the same folder; its exit code.</summary>
    public static int Command(string folder, string command, params string[] arguments)
    {
        using var process = Start(folder, command, arguments);
        _ = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        Assert.True(process.WaitForExit(Eventually.Deadline), $"{command} did not end");
        return process.ExitCode;
    }

    public int Command(string command, params string[] arguments) => Command(_folder, command, arguments);

    public ApiClient Client()
    {
        using var process = Start(_folder, "create-api-key", "--name", "test", "--role", "owner");
        var secret = process.StandardOutput.ReadToEnd().Trim();
        var client = new ApiClient(_rest, X509CertificateLoader.LoadCertificateFromFile(Path.Combine(_folder, "ca.crt")));
        client.Authorize(secret);
        return client;
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }

    private static Process Start(string folder, string command, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "bulkhead-controller")) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])[command, "--data", folder, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    [GeneratedRegex("Console and REST on (https://[^;]+);")]
    private static partial Regex Listening();
}
