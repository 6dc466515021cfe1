using System.Diagnostics;
using Bulkhead.Bench.Harness;
using Bulkhead.Controller.Tests;
using Bulkhead.Scenarios;

namespace Bulkhead.Bench.Chaos;

/// <summary>What is done to a controller.</summary>
internal sealed class Faults(ControllerProcess controller, PrivatePostgres? postgres, Promises promises, Random random)
{
    private const int LongestMs = 1500;
    private const int MostAnswers = 90;
    private const int MostEdits = 12;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    /// <summary>Drawn without putting back, so that each kind comes even in a short run.</summary>
    private readonly Queue<string> _deck = [];

    /// <summary>How often each was done.</summary>
    public Dictionary<string, int> Done { get; } = [];

    /// <summary>Waits for some answers, and then does one at any moment of the next; sees to it that the controller runs again.</summary>
    public async Task DoAsync(CancellationToken cancel)
    {
        var (began, enough, edits) = (Stopwatch.GetTimestamp(), promises.Count + random.Next(MostAnswers), promises.Edits + random.Next(1, MostEdits));
        while ((promises.Count < enough || promises.Edits < edits) && Stopwatch.GetElapsedTime(began) < s_patience)
        {
            await Task.Delay(random.Next(5, 20), cancel);
        }

        if (_deck.Count == 0)
        {
            string[] kinds = ["killed", "killed", "killed", "killed_starting", "disk_full", postgres is null ? "killed" : "database_killed"];
            random.Shuffle(kinds);
            Array.ForEach(kinds, _deck.Enqueue);
        }

        var name = _deck.Dequeue();
        var act = name switch
        {
            "database_killed" => CrashDatabaseAsync(postgres!),
            "disk_full" => FillDiskAsync(cancel),
            "killed_starting" => KillStartingAsync(cancel),
            _ => KillAsync(cancel),
        };
        await act;
        Done[name] = Done.GetValueOrDefault(name) + 1;
    }

    private async Task KillAsync(CancellationToken cancel)
    {
        await controller.KillAsync(cancel);
        await controller.StartAsync(cancel);
    }

    private async Task KillStartingAsync(CancellationToken cancel)
    {
        await controller.KillAsync(cancel);
        using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        soon.CancelAfter(random.Next(LongestMs));
        try
        {
            await controller.StartAsync(soon.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
        }

        await KillAsync(cancel);
    }

    private static async Task CrashDatabaseAsync(PrivatePostgres postgres) => await Task.Run(postgres.Crash);

    private async Task FillDiskAsync(CancellationToken cancel)
    {
        var ballast = Path.Combine(controller.Data, "ballast");
        try
        {
            await using (var file = new FileStream(ballast, FileMode.Create))
            {
                var block = new byte[1 << 20];
                try
                {
                    while (true)
                    {
                        await file.WriteAsync(block, cancel);
                        await file.FlushAsync(cancel);
                    }
                }
                catch (IOException)
                {
                }
            }

            await Task.Delay(random.Next(LongestMs), cancel);
        }
        finally
        {
            File.Delete(ballast);
        }
    }
}

/// <summary>A disk of its own for a folder, small enough to fill; gone when disposed of.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    public static async Task<SmallDisk> MountAsync(string folder, int megabytes, CancellationToken cancel)
    {
        Directory.CreateDirectory(folder);
        await Tool.RunAsync(["mount", "-t", "tmpfs", "-o", $"size={megabytes}m,mode=0700", "bulkhead-chaos", folder], "", cancel);
        return new(folder);
    }

    public void Dispose()
    {
        using var umount = Process.Start("umount", ["--lazy", _folder]);
        umount.WaitForExit();
    }
}
