using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Bulkhead.Lab;

/// <summary>A connection to try over and over, and whether it ought to succeed.</summary>
/// <param name="From">The host it is made from.</param>
/// <param name="To">Where to.</param>
/// <param name="Allowed">Whether each attempt must succeed; otherwise each must fail.</param>
public sealed record ProbePair(LabHost From, IPEndPoint To, bool Allowed);

/// <summary>An attempt that did not end as it should.</summary>
/// <param name="At">When it began.</param>
/// <param name="Result">How it ended.</param>
public sealed record ProbeViolation(DateTimeOffset At, ProbeResult Result);

/// <summary>All attempts of one pair.</summary>
/// <param name="From">The host they were made from.</param>
/// <param name="To">Where to.</param>
/// <param name="Allowed">Whether they should have succeeded.</param>
/// <param name="Attempts">How many attempts there were.</param>
/// <param name="Outcomes">How many ended in each way.</param>
/// <param name="Violations">How many did not end as they should.</param>
/// <param name="FirstViolations">The first of those, at most 100.</param>
public sealed record ProbeSummary(
    string From, string To, bool Allowed, int Attempts, IReadOnlyDictionary<ProbeOutcome, int> Outcomes,
    int Violations, IReadOnlyList<ProbeViolation> FirstViolations);

/// <summary>Makes new TCP connections from inside hosts, again and again, until it is stopped.</summary>
public sealed class ContinuousProbe : IDisposable
{
    private const int MaximumKept = 100;

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Series> _series;
    private readonly List<Thread> _threads;
    private readonly TimeSpan _timeout;

    private ContinuousProbe(IEnumerable<ProbePair> pairs, TimeSpan interval, TimeSpan timeout)
    {
        _timeout = timeout;
        _series = [.. pairs.Select(pair => new Series(pair))];
        _threads = [.. _series.GroupBy(series => series.Pair.From.Name).Select(group => Start([.. group], interval))];
    }

    /// <summary>Starts probing.</summary>
    /// <param name="pairs">What to try.</param>
    /// <param name="interval">From one attempt of a pair to its next; attempts may overlap.</param>
    /// <param name="timeout">After which an attempt counts as unanswered.</param>
    public static ContinuousProbe Start(IEnumerable<ProbePair> pairs, TimeSpan interval, TimeSpan timeout) => new(pairs, interval, timeout);

    /// <summary>Makes no further attempts, waits for those under way, and returns what was seen, in the order of the pairs.</summary>
    public async Task<IReadOnlyList<ProbeSummary>> StopAsync()
    {
        await _stop.CancelAsync();
        _threads.ForEach(thread => thread.Join());
        await Task.WhenAll(_series.SelectMany(series => series.Attempts));
        return [.. _series.Select(series => series.Summarise())];
    }

    /// <summary>Stops without waiting.</summary>
    public void Dispose() => _stop.Cancel();

    // One thread a host stays in the host's namespace and makes the sockets; the connecting is asynchronous.
    private Thread Start(IReadOnlyList<Series> group, TimeSpan interval)
    {
        var network = group[0].Pair.From.Network;
        var thread = new Thread(() => network.RunHere(() =>
        {
            do
            {
                foreach (var series in group)
                {
                    series.Try(_timeout);
                }
            }
            while (!_stop.Token.WaitHandle.WaitOne(interval));
        }))
        { IsBackground = true, Name = "probe " + group[0].Pair.From.Name };
        thread.Start();
        return thread;
    }

    private sealed class Series(ProbePair pair)
    {
        private readonly ConcurrentDictionary<Task, bool> _pending = [];
        private readonly Lock _lock = new();
        private readonly SortedDictionary<ProbeOutcome, int> _outcomes = [];
        private readonly List<ProbeViolation> _kept = [];
        private int _violations;

        public ProbePair Pair => pair;

        public IEnumerable<Task> Attempts => _pending.Keys;

        public void Try(TimeSpan timeout)
        {
            var attempt = TryAsync(new(pair.To.AddressFamily, SocketType.Stream, ProtocolType.Tcp), timeout);
            _pending[attempt] = true;
            attempt.ContinueWith(done => _pending.TryRemove(done, out _), TaskScheduler.Default);
        }

        public ProbeSummary Summarise()
        {
            lock (_lock)
            {
                return new(pair.From.Name, pair.To.ToString(), pair.Allowed, _outcomes.Values.Sum(), _outcomes, _violations, _kept);
            }
        }

        private async Task TryAsync(Socket socket, TimeSpan timeout)
        {
            using (socket)
            {
                var at = TimeProvider.System.GetUtcNow();
                var result = await ServiceProbe.TryAsync(socket, pair.To, null, timeout, CancellationToken.None);
                lock (_lock)
                {
                    _outcomes[result.Outcome] = _outcomes.GetValueOrDefault(result.Outcome) + 1;
                    if (pair.Allowed != (result.Outcome == ProbeOutcome.Connected) && ++_violations <= MaximumKept)
                    {
                        _kept.Add(new(at, result));
                    }
                }
            }
        }
    }
}
