using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Bulkhead.Console.Tests.Stage;

/// <summary>The real controller as a process of its own, on free ports, with a data folder that is removed afterwards.</summary>
internal sealed class RunningController : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly string _data;

    private RunningController(Process process, string data, int port, int agentPort, string password)
    {
        (_process, _data, OneTimePassword) = (process, data, password);
        Url = new($"https://127.0.0.1:{port}");
        AgentUrl = new($"https://127.0.0.1:{agentPort}");
        AuthorityFile = Path.Combine(data, "ca.crt");
    }

    /// <summary>The controller's program.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "bulkhead-controller");

    /// <summary>Console and REST.</summary>
    public Uri Url { get; }

    /// <summary>The agent channel.</summary>
    public Uri AgentUrl { get; }

    /// <summary>The CA's certificate.</summary>
    public string AuthorityFile { get; }

    /// <summary>What the first run printed.</summary>
    public string OneTimePassword { get; }

    public static async Task<RunningController> StartAsync()
    {
        var data = Directory.CreateTempSubdirectory("bulkhead-console-").FullName;
        var (port, agentPort) = (FreePort(), FreePort());
        var start = new ProcessStartInfo(Program)
        {
            ArgumentList = { "run", "--data", data, "--listen", $"127.0.0.1:{port}", "--agent-listen", $"127.0.0.1:{agentPort}", "--console", Repository.Console },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var password = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var listening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var log = new List<string>();
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.Split("one-time password: ") is [_, var secret])
            {
                password.TrySetResult(secret.Trim());
            }
        };
        process.ErrorDataReceived += (_, line) =>
        {
            lock (log)
            {
                log.Add(line.Data ?? "");
            }

            if (line.Data?.Contains("Console and REST on", StringComparison.Ordinal) == true)
            {
                listening.TrySetResult();
            }
        };
        process.Exited += (_, _) =>
        {
            lock (log)
            {
                listening.TrySetException(new InvalidOperationException($"The controller ended with {process.ExitCode}: {string.Join('\n', log)}"));
            }
        };
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        await listening.Task.WaitAsync(s_patience);
        return new(process, data, port, agentPort, await password.Task.WaitAsync(s_patience));
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        Directory.Delete(_data, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
