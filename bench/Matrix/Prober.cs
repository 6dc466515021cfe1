using Bulkhead.Lab;

namespace Bulkhead.Bench.Matrix;

/// <summary>Tries connections, many at once, each from its own host.</summary>
internal sealed class Prober : IDisposable
{
    // What passes arrives in milliseconds; what does not, never does. An idle moment of the machine must not look like a wall.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(300);

    private readonly Crowd _crowd;
    private readonly Dictionary<string, Answerer> _answerers;
    private uint _number = 1;

    /// <summary>Begins to answer at all hosts.</summary>
    public Prober(IEnumerable<LabHost> hosts, Crowd crowd) =>
        (_crowd, _answerers) = (crowd, hosts.ToDictionary(host => host.Name, host => new Answerer(host), StringComparer.Ordinal));

    /// <summary>Tries connections.</summary>
    /// <param name="probes">Which.</param>
    /// <param name="expected">Which of them are waited for longest, because they should pass.</param>
    /// <param name="cancel">Gives up.</param>
    /// <returns>Whether each passed: it was answered, or at least arrived.</returns>
    public async Task<bool[]> RunAsync(IReadOnlyList<Probe> probes, IReadOnlyList<bool> expected, CancellationToken cancel)
    {
        foreach (var answerer in _answerers.Values)
        {
            answerer.Forget();
        }

        var attempts = new IAttempt[probes.Count];
        foreach (var group in Enumerable.Range(0, probes.Count).GroupBy(i => probes[i].From))
        {
            group.Key.Network.Run(() =>
            {
                foreach (var i in group)
                {
                    var number = _number++;
                    attempts[i] = probes[i].By is { } identity
                        ? new PuppetAttempt(probes[i], _crowd[group.Key, identity], byWorker: number % 2 == 0, Patience)
                        : new SocketAttempt(probes[i], number);
                }

                return 0;
            });
        }

        try
        {
            foreach (var attempt in attempts)
            {
                attempt.Start();
            }

            var started = TimeProvider.System.GetTimestamp();
            bool Passed(int i) => attempts[i].IsAnswered || (attempts[i].Arrival is { } arrival && _answerers[probes[i].To.Name].HasMet(arrival));
            TimeSpan waited;
            do
            {
                await Task.Delay(5, cancel);
                waited = TimeProvider.System.GetElapsedTime(started);
            }
            while (waited < Silence || (waited < Patience && Enumerable.Range(0, attempts.Length).Any(i => expected[i] && !Passed(i))));

            return [.. Enumerable.Range(0, attempts.Length).Select(Passed)];
        }
        finally
        {
            foreach (var attempt in attempts)
            {
                attempt.Dispose();
            }

            await _crowd.ForgetAsync(CancellationToken.None);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var answerer in _answerers.Values)
        {
            answerer.Dispose();
        }
    }
}
