using System.ComponentModel;
using System.Diagnostics;

namespace Bulkhead.Agent.Checks;

/// <summary>Runs the host's own tools, for what only they tell.</summary>
internal static class Tool
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(20);

    /// <summary>Runs a command to its end.</summary>
    /// <returns>Exit code, or -1 if there is no such command or it does not end; what it wrote to standard output, and to standard error.</returns>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(string command, string[] arguments, string? input = null)
    {
        using var process = new Process
        {
            StartInfo = new(command, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true },
        };
        try
        {
            process.Start();
        }
        catch (Win32Exception missing)
        {
            return (-1, "", missing.Message);
        }

        using var limit = new CancellationTokenSource(_patience);
        try
        {
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
            await process.StandardInput.WriteAsync(input.AsMemory(), limit.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, await output, (await errors).Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            return (-1, "", $"{command} did not end within {_patience.TotalSeconds:0} s");
        }
        catch (IOException closed)
        {
            return (-1, "", closed.Message);
        }
    }
}
