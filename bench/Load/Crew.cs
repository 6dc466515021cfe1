using System.Runtime.ExceptionServices;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Load;

/// <summary>Threads that work inside a network namespace, each counting what it gets done.</summary>
internal sealed class Crew
{
    private const int CacheLine = 8;

    private readonly long[] _counts;
    private readonly Thread[] _threads;
    private readonly Exception?[] _failures;
    private volatile bool _stop;

    private Crew(int size) => (_counts, _threads, _failures) = (new long[(size + 1) * CacheLine], new Thread[size], new Exception?[size]);

    /// <summary>Whether members are to come to an end.</summary>
    public bool IsStopping => _stop;

    /// <summary>How much all have done together.</summary>
    public long Done => Enumerable.Range(0, _threads.Length).Sum(member => Volatile.Read(ref _counts[(member + 1) * CacheLine]));

    /// <summary>Starts members; each is told its number, from 0.</summary>
    public static Crew Start(NetworkNamespace network, int size, Action<Crew, int> work)
    {
        var crew = new Crew(size);
        for (var i = 0; i < size; i++)
        {
            var member = i;
            crew._threads[member] = new(() =>
            {
                try
                {
                    network.Run(() =>
                    {
                        work(crew, member);
                        return true;
                    });
                }
                catch (Exception e)
                {
                    crew._failures[member] = e;
                }
            })
            { IsBackground = true };
            crew._threads[member].Start();
        }

        return crew;
    }

    /// <summary>A member has done some more.</summary>
    public void Count(int member, long more) => _counts[(member + 1) * CacheLine] += more;

    /// <summary>Tells members to end.</summary>
    public void Stop() => _stop = true;

    /// <summary>Waits until all have ended; the first failure of any is thrown here.</summary>
    public void Join()
    {
        foreach (var thread in _threads)
        {
            thread.Join();
        }

        if (_failures.FirstOrDefault(failure => failure is not null) is { } first)
        {
            ExceptionDispatchInfo.Throw(first);
        }
    }
}
