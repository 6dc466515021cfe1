using System.Net;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Soak;

/// <summary>A connection that an actor tries again and again, its own sockets and those of forked workers in turn.</summary>
/// <param name="by">Who tries.</param>
/// <param name="to">Where to.</param>
/// <param name="allowed">Whether each attempt must succeed; otherwise each must fail.</param>
internal sealed class Trial(Actor by, IPEndPoint to, bool allowed)
{
    private const int MostKept = 100;
    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(4);

    private readonly SortedDictionary<ProbeOutcome, int> _outcomes = [];
    private readonly List<ProbeViolation> _kept = [];
    private int _violations;

    /// <summary>Attempts that failed while the server was down.</summary>
    public int Excused { get; private set; }

    /// <summary>What was seen; once it has stopped.</summary>
    public ProbeSummary Summary => new(by.Name, to.ToString(), allowed, _outcomes.Values.Sum(), _outcomes, _violations, _kept);

    /// <summary>Tries until it is cancelled.</summary>
    public async Task RunAsync(Outages outages, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(s_every);
        try
        {
            for (var worker = false; ; worker = !worker)
            {
                await timer.WaitForNextTickAsync(stop);
                await TryAsync(worker, outages, stop);
            }
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }

    private async Task TryAsync(bool byWorker, Outages outages, CancellationToken stop)
    {
        if (by.Puppet is not { } puppet)
        {
            return;
        }

        var (at, began) = (TimeProvider.System.GetUtcNow(), TimeProvider.System.GetTimestamp());
        ProbeOutcome outcome;
        try
        {
            outcome = await puppet.ConnectAsync("tcp", to, byWorker, allowed ? s_patience : s_silence, stop);
        }
        catch (LabException)
        {
            // It was ended while it tried.
            return;
        }

        var passed = outcome == ProbeOutcome.Connected;
        if (allowed && !passed && outages.Since(to, began))
        {
            Excused++;
            return;
        }

        _outcomes[outcome] = _outcomes.GetValueOrDefault(outcome) + 1;
        if (passed != allowed && ++_violations <= MostKept)
        {
            _kept.Add(new(at, new(outcome, TimeProvider.System.GetElapsedTime(began).TotalMilliseconds, null)));
        }
    }
}
