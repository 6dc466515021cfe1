using System.CommandLine;
using System.Globalization;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.CommandLine;

/// <summary>Options and arguments that several commands take, and how their values are written.</summary>
internal static class CommonOptions
{
    /// <summary>Skips the question before something that is hard to undo.</summary>
    public static Option<bool> Yes { get; } = new("--yes", "-y") { Description = "Do not ask for a go-ahead." };

    /// <summary>A moment: a time, or how long ago.</summary>
    public static Option<DateTimeOffset?> Moment(string name, string description, TimeProvider clock) => new(name)
    {
        Description = $"{description}: a time such as 2026-03-01T08:00Z, or how long ago, such as 30m, 24h, 7d.",
        HelpName = "TIME",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (TryDuration(text, out var ago))
            {
                return clock.GetUtcNow() - ago;
            }

            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            {
                return time;
            }

            result.AddError($"'{text}' is not a time. Write 2026-03-01T08:00Z, or how long ago: 30m, 24h, 7d.");
            return null;
        },
    };

    /// <summary>A length of time.</summary>
    public static Option<TimeSpan> Duration(string name, string description, TimeSpan usual) => new(name)
    {
        Description = $"{description}: such as 90s, 30m, 24h, 7d.",
        HelpName = "DURATION",
        DefaultValueFactory = _ => usual,
        CustomParser = result =>
        {
            if (TryDuration(result.Tokens[0].Value, out var duration))
            {
                return duration;
            }

            result.AddError($"'{result.Tokens[0].Value}' is not a length of time. Write 90s, 30m, 24h or 7d.");
            return usual;
        },
    };

    /// <summary>At most so many items.</summary>
    public static Option<int> Limit(int usual) => new("--limit")
    {
        Description = "At most so many.",
        HelpName = "N",
        DefaultValueFactory = _ => usual,
        Validators =
        {
            result =>
            {
                if (result.Tokens is [var token] && (!int.TryParse(token.Value, CultureInfo.InvariantCulture, out var limit) || limit < 1))
                {
                    result.AddError($"--limit is a number from 1 up, not '{token.Value}'.");
                }
            },
        },
    };

    /// <summary>Which verdicts.</summary>
    public static Option<TrafficView> View(TrafficView usual) => new("--view")
    {
        Description = "Verdicts as reported by the kernels, as the newest revision says, or as the draft says.",
        DefaultValueFactory = _ => usual,
    };

    /// <summary>Labels as options, repeatable.</summary>
    public static Option<string[]> Labels(string description) => new("--label", "-l")
    {
        Description = $"{description}; repeat for more.",
        HelpName = "KEY=VALUE",
    };

    /// <summary>Reads <c>key=value</c> texts; all that is wrong with them in one failure.</summary>
    public static IReadOnlyDictionary<string, string> LabelsOf(IEnumerable<string>? texts)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var problems = new List<DiagnosticView>();
        foreach (var text in texts ?? [])
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || equals == text.Length - 1)
            {
                problems.Add(new("error", "bad-label", text, "A label is written key=value."));
            }
            else if (!labels.TryAdd(text[..equals], text[(equals + 1)..]))
            {
                problems.Add(new("error", "repeated-key", text, $"The key '{text[..equals]}' stands twice; a workload has one value a key."));
            }
        }

        return problems.Count == 0 ? labels : throw new Failure(ExitCode.Usage, "The labels are not right.", null, problems);
    }

    private static bool TryDuration(string text, out TimeSpan duration)
    {
        duration = default;
        if (text.Length < 2 || !int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return false;
        }

        TimeSpan? unit = text[^1] switch
        {
            's' => TimeSpan.FromSeconds(1),
            'm' => TimeSpan.FromMinutes(1),
            'h' => TimeSpan.FromHours(1),
            'd' => TimeSpan.FromDays(1),
            _ => null,
        };
        duration = unit * Math.Min(count, 36_500) ?? default;
        return unit is not null;
    }
}
