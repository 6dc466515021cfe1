using Bulkhead.Bench.Harness;

namespace Bulkhead.Bench.Enforce;

/// <summary>Delays of one kind of event after a change of policy, in milliseconds.</summary>
internal sealed class Latencies
{
    private readonly List<double> _fromAnswer = [];
    private readonly List<double> _fromRequest = [];

    /// <summary>How many.</summary>
    public int Count => _fromAnswer.Count;

    /// <summary>Adds an event; one that came before the change was answered for counts as no delay from the answer.</summary>
    public void Add(Change change, long at)
    {
        _fromAnswer.Add(Math.Max(0, Between(change.Answered, at)));
        _fromRequest.Add(Between(change.Requested, at));
    }

    /// <summary>Adds p50, p99 and the worst.</summary>
    public void AddTo(Report report, string prefix)
    {
        report.Add($"{prefix}p50_ms", Statistics.Median(_fromAnswer));
        report.Add($"{prefix}p99_ms", Statistics.Percentile(_fromAnswer, 99));
        report.Add($"{prefix}max_ms", _fromAnswer.Max());
        report.Add($"{prefix}p50_from_request_ms", Statistics.Median(_fromRequest));
        report.Add($"{prefix}p99_from_request_ms", Statistics.Percentile(_fromRequest, 99));
    }

    /// <summary>The last delay, from the answer.</summary>
    public double Last => _fromAnswer[^1];

    private static double Between(long start, long end) => (end - start) * 1000.0 / TimeProvider.System.TimestampFrequency;
}

/// <summary>A change of policy: when it was asked for, and when the controller had answered that it is accepted.</summary>
internal readonly record struct Change(long Requested, long Answered);
