using System.Diagnostics;

namespace Bulkhead.Bench.Harness;

/// <summary>Runs programs of the system to their end.</summary>
internal static class Tool
{
    /// <summary>Runs a program, giving it text and returning what it prints.</summary>
    /// <exception cref="BenchException">It is not installed, or failed.</exception>
    public static async Task<string> RunAsync(IReadOnlyList<string> command, string input, CancellationToken cancel)
    {
        var plan = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Start(plan);
        var output = process.StandardOutput.ReadToEndAsync(cancel);
        var error = process.StandardError.ReadToEndAsync(cancel);
        try
        {
            await process.StandardInput.WriteAsync(input.AsMemory(), cancel);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading all of it, and says why below.
        }

        await process.WaitForExitAsync(cancel);
        return process.ExitCode == 0
            ? await output
            : throw new BenchException($"{string.Join(' ', command)} failed ({process.ExitCode}): {(await error).Trim()}");
    }

    private static Process Start(ProcessStartInfo plan)
    {
        try
        {
            return Process.Start(plan)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new BenchException($"cannot run {plan.FileName}: {e.Message}; scripts/install-packages.sh installs what is needed", e);
        }
    }
}
