using System.Diagnostics;
using Bulkhead.Agent.Spool;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Spool;

/// <summary>The spool on a file system of a few pages, which is really full; needs root.</summary>
public sealed class FullDiskTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _disk;

    public FullDiskTests()
    {
        _disk = Directory.CreateDirectory(_folder["disk"]).FullName;
        Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", _disk);
    }

    public void Dispose()
    {
        Run("umount", _disk);
        _folder.Dispose();
    }

    [Fact]
    public void What_is_oldest_makes_room_is_counted_and_the_newest_is_kept()
    {
        var spool = Open();
        for (var i = 1; i <= 40; i++)
        {
            spool.Add(Batch(i));
        }

        Assert.InRange(spool.Count, 1, 16);
        ulong told = 0;
        long last = 0;
        for (var batch = spool.Peek(); batch is not null; batch = spool.Peek())
        {
            Assert.True(batch.WindowUnixMs > last);
            (told, last) = (told + batch.DroppedBatches, batch.WindowUnixMs);
            spool.Remove(batch.Sequence);
        }

        Assert.Equal(40, last);
        Assert.Equal(spool.Dropped, told);
        Assert.InRange(spool.Dropped, 24ul, 39ul);
    }

    [Fact]
    public void An_agent_starts_on_a_full_disk_and_keeps_windows_again_once_there_is_room()
    {
        var rubbish = Fill();
        var spool = Open();
        Assert.Throws<IOException>(() => spool.Add(Batch(1)));
        Assert.Empty(Directory.GetFiles(_disk, "*.batch*"));

        File.Delete(rubbish);
        spool.Add(Batch(2));

        Assert.Equal((1ul, 2L), (spool.Peek()!.Sequence, spool.Peek()!.WindowUnixMs));
        var again = Open();
        Assert.Equal((spool.Epoch, 1), (again.Epoch, again.Count));
    }

    [Fact]
    public void On_a_disk_that_others_filled_what_waited_is_still_delivered()
    {
        var spool = Open();
        spool.Add(Batch(1));
        Fill();
        Assert.Equal(1, spool.Peek()!.WindowUnixMs);
        spool.Remove(1);
        Assert.Null(spool.Peek());
    }

    private FlowSpool Open() => new(_disk, 1 << 20, NullLogger.Instance);

    private static FlowBatch Batch(long at) => new() { WindowUnixMs = at, WindowMs = 10_000, Processes = { new ProcessInfo { Path = new string('x', 3000) } } };

    private string Fill()
    {
        var path = Path.Combine(_disk, "rubbish");
        using var file = File.Create(path, 1);
        try
        {
            while (true)
            {
                file.Write(new byte[1024]);
                file.Flush();
            }
        }
        catch (IOException)
        {
            return path;
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
