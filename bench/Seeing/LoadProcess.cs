using System.Diagnostics;
using System.Globalization;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Seeing;

/// <summary>A process that makes load (load.c), in a network namespace.</summary>
internal sealed class LoadProcess : IDisposable
{
    private readonly Process _process;

    private LoadProcess(Process process) => _process = process;

    /// <summary>The program.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "seeing-load");

    /// <summary>Its process id.</summary>
    public uint Pid => (uint)_process.Id;

    /// <summary>Starts it.</summary>
    public static LoadProcess Start(NetworkNamespace network, params object[] arguments)
    {
        var start = new ProcessStartInfo(Program, arguments.Select(argument => Convert.ToString(argument, CultureInfo.InvariantCulture)!)) { RedirectStandardInput = true, RedirectStandardOutput = true };
        return new(network.Run(() => Process.Start(start)!));
    }

    /// <summary>The next line that it writes.</summary>
    /// <exception cref="BenchException">It has ended.</exception>
    public string ReadLine() => _process.StandardOutput.ReadLine() ?? throw new BenchException("a load process ended before its time; it has said why");

    /// <summary>The lines of its ledger, once it has ended: process id, connections, and what else there is.</summary>
    /// <exception cref="BenchException">It failed.</exception>
    public async Task<List<long[]>> LinesAsync(CancellationToken cancel)
    {
        var text = await _process.StandardOutput.ReadToEndAsync(cancel);
        await _process.WaitForExitAsync(cancel);
        return _process.ExitCode == 0
            ? [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ').Select(field => long.Parse(field, CultureInfo.InvariantCulture)).ToArray())]
            : throw new BenchException("a load process failed; it has said why");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
