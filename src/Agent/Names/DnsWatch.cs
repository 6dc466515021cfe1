using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Live;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Agent.Names;

/// <summary>
/// Learns names from the DNS answers that the host receives, on a thread of its own. An answer counts only if conntrack knows that this host asked.
/// At most 200 a second of each family are looked at; more are left in the kernel, which drops them.
/// </summary>
/// <param name="names">Gets them.</param>
/// <param name="pace">Whether the budget allows it now; is told if the kernel does not.</param>
internal sealed class DnsWatch(NameTable names, WindowPace pace)
{
    private const int AtATime = 10;
    private static readonly TimeSpan _again = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _look = TimeSpan.FromSeconds(1);

    private readonly byte[] _packet = new byte[PacketTap.Longest];
    private readonly List<NamedAddress> _found = [];

    /// <summary>Runs until cancelled, in the calling thread's network namespace.</summary>
    public Task RunAsync(CancellationToken cancel)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                Run(cancel);
                done.SetResult();
            }
            catch (Exception bug)
            {
                done.SetException(bug);
            }
        })
        { Name = "names", IsBackground = true }.Start();
        return done.Task;
    }

    private void Run(CancellationToken cancel)
    {
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                Follow(cancel);
            }
            catch (NetlinkException refused)
            {
                // No problem of the host: nothing that is enforced depends on it, and an older unit does not allow it.
                pace.NamesRefused = refused.Message;
                cancel.WaitHandle.WaitOne(_again);
            }
        }
    }

    private void Follow(CancellationToken cancel)
    {
        using var v4 = PacketTap.Open(v6: false);
        using var v6 = PacketTap.Open(v6: true);
        using var conntrack = Conntrack.Open();
        pace.NamesRefused = null;
        using var stop = new SafeFileHandle(Libc.EventFd(0, Libc.EfdCloexec | Libc.EfdNonblock), true);
        using var stopping = cancel.Register(() => Wake(stop));
        while (!cancel.IsCancellationRequested)
        {
            PacketTap.Wait(v4, v6, stop);
            while (!pace.MayName && !cancel.WaitHandle.WaitOne(_look))
            {
            }

            Read(v4, conntrack);
            Read(v6, conntrack);
            cancel.WaitHandle.WaitOne(_pause);
        }
    }

    private static unsafe void Wake(SafeFileHandle stop)
    {
        ulong one = 1;
        _ = Libc.Write(stop, &one, sizeof(ulong));
    }

    private void Read(PacketTap tap, Conntrack conntrack)
    {
        for (var i = 0; i < AtATime && tap.TryReceive(_packet) is >= 0 and var length; i++)
        {
            if (DnsPacket.TryRead(_packet.AsSpan(0, length), out var tuple, out var message)
                && DnsAnswer.Read(message, _found) is { } name
                && conntrack.Find(tuple) is { } asked && asked.Original != tuple)
            {
                names.Learn(name, _found);
            }
        }
    }
}
