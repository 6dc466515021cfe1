using System.Diagnostics;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Bulkhead.Scenarios;

/// <summary>The controller as a process of its own, in the root network namespace: started, killed, started again.</summary>
internal sealed class ControllerProcess(string folder, IPEndPoint rest, IReadOnlyList<IPEndPoint> agents) : IDisposable
{
    private const string PidFile = "controller.pid";

    private static readonly TimeSpan StartsWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopsWithin = TimeSpan.FromSeconds(20);

    private Process? _process;

    /// <summary>Its data folder.</summary>
    public string Data { get; } = Path.Combine(folder, "controller");

    /// <summary>Where console and REST are.</summary>
    public Uri Url { get; } = new($"https://{rest}");

    /// <summary>The SHA-256 of its CA certificate, once it has started.</summary>
    public string CaSha256 => File.ReadAllText(Path.Combine(Data, "ca.sha256")).Trim();

    /// <summary>The process id of the one that was started last.</summary>
    public int Pid => _process!.Id;

    /// <summary>The file with the first password of the administrator.</summary>
    public string FirstRunPassword => Path.Combine(Data, "first-run-password");

    /// <summary>Starts it and waits until it answers.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var log = new StreamWriter(Path.Combine(folder, "controller.log"), append: true) { AutoFlush = true };
        var start = new ProcessStartInfo(Programs.Controller) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["run", "--data", Data, "--listen", rest.ToString(), "--agent-listen", string.Join(',', agents)])
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Write(line.Data);
        process.ErrorDataReceived += (_, line) => Write(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
        await File.WriteAllTextAsync(Path.Combine(folder, PidFile), process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), cancellationToken);
        await Wait.UntilAsync(() => AnswersAsync(process, cancellationToken), StartsWithin, cancellationToken);

        void Write(string? line)
        {
            // The one-time password is printed once, for a person; a log is not the place for it.
            if (line is not null && !(File.Exists(FirstRunPassword) && line.Contains(File.ReadAllText(FirstRunPassword).Trim(), StringComparison.Ordinal)))
            {
                lock (log)
                {
                    log.WriteLine(line);
                }
            }
        }
    }

    /// <summary>Ends the controller of a demo that was itself killed, if there is one.</summary>
    public static async Task EndRemainsAsync(string folder, CancellationToken cancellationToken)
    {
        var file = Path.Combine(folder, PidFile);
        if (File.Exists(file) && int.TryParse(await File.ReadAllTextAsync(file, cancellationToken), out var pid)
            && File.Exists($"/proc/{pid}/exe") && File.ResolveLinkTarget($"/proc/{pid}/exe", false)?.FullName == Programs.Controller)
        {
            using var remains = Process.GetProcessById(pid);
            remains.Kill();
            await remains.WaitForExitAsync(cancellationToken);
        }
    }

    /// <summary>Makes an administrator's API key on the controller's own machine.</summary>
    public async Task<string> CreateApiKeyAsync(string name, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(Programs.Controller, ["create-api-key", "--data", Data, "--name", name, "--role", "owner"])
        {
            RedirectStandardOutput = true,
        })!;
        var key = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return process.ExitCode == 0 ? key.Trim() : throw new StoryException($"bulkhead-controller create-api-key ended with {process.ExitCode}");
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _process!.Kill();
        await _process.WaitForExitAsync(cancellationToken);
    }

    /// <summary>SIGTERM, and waits.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_process is null or { HasExited: true })
        {
            return;
        }

        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StopsWithin);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StoryException($"the controller did not stop within {StopsWithin.TotalSeconds:0} s");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process?.Dispose();
    }

    private async Task<string?> AnswersAsync(Process process, CancellationToken cancellationToken)
    {
        if (process.HasExited)
        {
            throw new StoryException($"the controller ended with exit code {process.ExitCode}; see {Path.Combine(folder, "controller.log")}");
        }

        var authority = Path.Combine(Data, "ca.crt");
        if (!File.Exists(authority))
        {
            return "the controller has made no CA yet";
        }

        using var ca = X509Certificate2.CreateFromPem(await File.ReadAllTextAsync(authority, cancellationToken));
        using var client = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { ca }, RevocationMode = X509RevocationMode.NoCheck } },
        });
        try
        {
            using var answer = await client.GetAsync(new Uri(Url, "healthz"), cancellationToken);
            return answer.IsSuccessStatusCode ? null : $"healthz answers {(int)answer.StatusCode}";
        }
        catch (HttpRequestException e)
        {
            return $"the controller does not answer: {e.Message}";
        }
    }
}
