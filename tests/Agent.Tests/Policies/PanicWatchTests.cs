using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Bulkhead.Agent.Policies;
using Bulkhead.Agent.State;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Agent.Tests.Policies;

/// <summary>Needs root.</summary>
public sealed partial class PanicWatchTests
{
    // Of no account, so that nobody else goes without.
    private const long Stranger = 4_123_456;
    private const int CloseOnExec = 0x80000;

    [Fact]
    public void Where_others_have_all_inotify_instances_it_is_looked_every_second()
    {
        using var folder = new TemporaryFolder();
        var (state, time, looked) = (StateDirectory.At(folder.Path), new FakeTime(), 0);
        using var watch = WithoutInotify(() => new PanicWatch(state, () => looked++, time));
        Assert.Equal(0, looked);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, looked);
    }

    /// <summary>Does work on a thread of a user who has no inotify instance left.</summary>
    private static T WithoutInotify<T>(Func<T> work)
    {
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            var open = new List<SafeFileHandle>();
            try
            {
                // The call itself, unlike libc's function, is about this thread alone.
                Assert.Equal(0, SystemCall(RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 117 : 147, Stranger, Stranger, Stranger));
                while (NewInstance(CloseOnExec) is var instance and >= 0)
                {
                    open.Add(new(instance, ownsHandle: true));
                }

                result = work();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
            finally
            {
                open.ForEach(instance => instance.Dispose());
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long SystemCall(long number, long real, long effective, long saved);

    [LibraryImport("libc", EntryPoint = "inotify_init1", SetLastError = true)]
    private static partial int NewInstance(int flags);
}
