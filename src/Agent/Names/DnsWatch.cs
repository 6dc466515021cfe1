using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Live;
using Bulkhead.Enforcement.Documents;

namespace Bulkhead.Agent.Names;

/// <summary>
/// Learns names from the DNS answers that the host receives, on a thread of its own. Our table copies those that the host asked for, as conntrack knows; see
/// <see cref="FirewallRule.CopyAnswers"/>. At most 200 a second are looked at; more are left in the kernel, which drops them.
/// </summary>
/// <param name="names">Gets them.</param>
/// <param name="pace">Whether the budget allows it now; is told if the kernel does not.</param>
internal sealed class DnsWatch(NameTable names, WindowPace pace)
{
    private const int AtATime = 10;
    private const int ReceiveBuffer = 256 << 10;
    private const int Longest = 4096;
    private static readonly TimeSpan _again = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _look = TimeSpan.FromSeconds(1);

    private readonly byte[] _buffer = new byte[2 * Longest];
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
                // No problem of the host: nothing that is enforced depends on it.
                pace.NamesRefused = refused.Message;
                cancel.WaitHandle.WaitOne(_again);
            }
        }
    }

    private void Follow(CancellationToken cancel)
    {
        using var answers = NetlinkSocket.Open(NetlinkFamily.Netfilter);
        answers.SetReceiveBuffer(ReceiveBuffer);
        PacketLog.Bind(answers, FirewallDocument.NamesGroup, Longest);
        pace.NamesRefused = null;
        using var stopping = cancel.Register(answers.Wake);
        while (!cancel.IsCancellationRequested)
        {
            answers.Wait(Timeout.InfiniteTimeSpan);
            while (!pace.MayName && !cancel.WaitHandle.WaitOne(_look))
            {
            }

            for (var i = 0; i < AtATime && Read(answers); i++)
            {
            }

            cancel.WaitHandle.WaitOne(_pause);
        }
    }

    /// <summary>Whether there may be more.</summary>
    private bool Read(NetlinkSocket answers)
    {
        int length;
        try
        {
            length = answers.TryReceive(_buffer);
        }
        catch (NetlinkException overrun) when (overrun.Errno == Errno.NoBufferSpace)
        {
            return true; // Names are evidence: those of a flood of answers are done without.
        }

        var reader = new NetlinkReader(_buffer.AsSpan(0, Math.Max(0, length)));
        while (reader.Next())
        {
            if (DnsPacket.TryRead(PacketLog.Payload(reader.Current), out var message) && DnsAnswer.Read(message, _found) is { } name)
            {
                names.Learn(name, _found);
            }
        }

        return length >= 0;
    }
}
