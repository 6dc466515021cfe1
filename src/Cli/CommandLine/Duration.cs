using System.Globalization;

namespace Bulkhead.Cli.CommandLine;

/// <summary>A length of time as people write it: <c>90s</c>, <c>30m</c>, <c>24h</c>, <c>7d</c>.</summary>
internal readonly record struct Duration(TimeSpan Length)
{
    private static readonly (char Unit, TimeSpan Length)[] Units =
    [
        ('d', TimeSpan.FromDays(1)),
        ('h', TimeSpan.FromHours(1)),
        ('m', TimeSpan.FromMinutes(1)),
        ('s', TimeSpan.FromSeconds(1)),
    ];

    private const int MostYears = 100;

    public static bool TryParse(string text, out Duration duration)
    {
        duration = default;
        if (text.Length < 2 || !int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return false;
        }

        foreach (var (unit, length) in Units)
        {
            if (text[^1] == unit && count <= TimeSpan.FromDays(365 * MostYears) / length)
            {
                duration = new(count * length);
                return true;
            }
        }

        return false;
    }

    /// <summary>In the largest unit that divides it.</summary>
    public override string ToString()
    {
        foreach (var (unit, length) in Units)
        {
            if (Length.Ticks % length.Ticks == 0)
            {
                return string.Create(CultureInfo.InvariantCulture, $"{Length / length}{unit}");
            }
        }

        return Length.ToString();
    }
}
