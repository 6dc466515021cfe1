using Bulkhead.Agent.Linux;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Reporting;

/// <summary>
/// Says when conntrack is 80 % full, before it refuses connections, and that it is over again below 70 %. Looks every two seconds: at 20,000
/// connections a second a table of the usual size takes 13 s to fill.
/// </summary>
internal sealed class ConntrackWatch(ConntrackCounts counts, Problems problems, TimeProvider time, ILogger log)
{
    private const string Topic = "conntrack";
    private const int NearlyFull = 80;
    private const int OverAgain = 70;
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(2);

    private ConntrackUse _use;
    private bool _isNearlyFull;

    /// <summary>How full it was when last looked at.</summary>
    public ConntrackUse Use => _use;

    /// <summary>The most connections seen since the agent started.</summary>
    public long Peak { get; private set; }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(_interval, time);
        do
        {
            Look();
        }
        while (await timer.WaitForNextTickAsync(cancel));
    }

    /// <summary>Looks once.</summary>
    internal void Look()
    {
        _use = counts.Read();
        Peak = Math.Max(Peak, _use.Count);
        if (_use.Percent >= NearlyFull && !_isNearlyFull)
        {
            _isNearlyFull = true;
            log.ConntrackFilling(_use.Percent, _use.Count, _use.Most);
            problems.Set(Topic, new Failure
            {
                Code = "conntrack-nearly-full",
                Message = $"Conntrack is {_use.Percent} % full ({_use.Count} of {_use.Most} connections); when it is full, new connections are dropped.",
                Remedy = $"Raise it: sysctl -w net.netfilter.nf_conntrack_max={_use.Most * 2}; 'bulkhead-agent check' says how large it should be.",
            });
        }
        else if (_use.Percent < OverAgain && _isNearlyFull)
        {
            _isNearlyFull = false;
            problems.Clear(Topic);
        }
    }
}
