using System.Globalization;
using Bulkhead.Policy;

namespace Bulkhead.Controller.Traffic;

/// <summary>A window of time that somebody asks about.</summary>
public readonly record struct TrafficWindow(DateTimeOffset Since, DateTimeOffset Until)
{
    /// <summary>How far back a window reaches that does not say.</summary>
    public static TimeSpan Default { get; } = TimeSpan.FromHours(24);

    /// <summary>Reads its ends, each a time such as <c>2026-11-22T08:00:00Z</c> or an age such as <c>90s</c>, <c>15m</c>, <c>24h</c>, <c>7d</c>.</summary>
    public static TrafficWindow Parse(string? since, string? until, DateTimeOffset now, ICollection<Diagnostic> problems)
    {
        var to = Read(until, "until", now, now, problems);
        var from = Read(since, "since", now, to - Default, problems);
        if (from >= to && problems.Count == 0)
        {
            problems.Add(Diagnostic.Error("bad-window", "since", "The window ends before it begins. Let 'since' be earlier than 'until'."));
        }

        return new(from, to);
    }

    private static DateTimeOffset Read(string? text, string path, DateTimeOffset now, DateTimeOffset otherwise, ICollection<Diagnostic> problems)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return otherwise;
        }

        if (Age(text) is { } age && age < now - DateTimeOffset.UnixEpoch)
        {
            return now - age;
        }

        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && time > DateTimeOffset.UnixEpoch)
        {
            return time;
        }

        problems.Add(Diagnostic.Error("bad-time", path, $"'{text}' is not a time. Write one such as 2026-11-22T08:00:00Z, or an age such as 15m, 24h or 7d."));
        return otherwise;
    }

    private static TimeSpan? Age(string text)
    {
        var second = text[^1] switch
        {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => 0,
        };
        return second > 0 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? TimeSpan.FromSeconds((double)count * second)
            : null;
    }
}
