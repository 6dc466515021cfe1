using System.Threading.Channels;

namespace Bulkhead.Agent;

/// <summary>Wakes one waiting loop; setting it several times before the loop looks counts once.</summary>
internal sealed class Signal
{
    private readonly Channel<bool> _set = System.Threading.Channels.Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Wakes the loop, now or when it next waits; from any thread.</summary>
    public void Set() => _set.Writer.TryWrite(true);

    /// <summary>Waits until it is set, or the time is over; whether it was set.</summary>
    public async Task<bool> WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken cancel)
    {
        using var timeout = new CancellationTokenSource(atMost, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, timeout.Token);
        try
        {
            return await _set.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }
}
