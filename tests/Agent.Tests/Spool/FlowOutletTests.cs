using System.Diagnostics;
using Bulkhead.Agent.Live;
using Bulkhead.Agent.Names;
using Bulkhead.Agent.Spool;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Spool;

public sealed class FlowOutletTests
{
    [Fact]
    public async Task A_disk_that_stands_still_holds_up_nobody_and_what_it_does_not_take_is_counted()
    {
        using var folder = new TemporaryFolder();
        // Who reads from a pipe that is open and that nobody writes to waits, and the spool with it.
        var pipe = folder["00000000000000000001.batch"];
        await File.WriteAllTextAsync(folder["position"], "7 1\n");
        using (var make = Process.Start("mkfifo", [pipe]))
        {
            await make.WaitForExitAsync();
        }

        var spool = new FlowSpool(folder.Path, 1 << 20, NullLogger.Instance);
        var pace = new WindowPace(1, () => TimeSpan.Zero, () => { }, TimeProvider.System);
        var outlet = new FlowOutlet(spool, new NameTable(1, TimeProvider.System), new FlowFollowers(folder["flows.sock"], pace, NullLogger.Instance), BootClock.System, NullLogger.Instance);
        var reading = Task.Run(spool.Peek);
        await using (var pending = new FileStream(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            for (var i = 0; i < FlowOutlet.MostWaiting; i++)
            {
                outlet.Add(Window(1));
            }

            Assert.Equal(default, outlet.TakeLost());
            outlet.Add(Window(5));
            Assert.Equal(new FlowLoss(5, 0, 0, 0), outlet.TakeLost());
        }

        await reading;
        outlet.Flush();
        Assert.Equal((FlowOutlet.MostWaiting, default(FlowLoss)), (spool.Count, outlet.TakeLost()));
    }

    private static FlowBatch Window(ulong connections) => new() { WindowUnixMs = 5, WindowMs = 1000, Flows = { new FlowSummary { Protocol = 6, Connections = connections } } };
}
