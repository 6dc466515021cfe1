using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.CommandLine;

/// <summary>Options and arguments that several commands take, and how their values are written.</summary>
internal static class CommonOptions
{
    /// <summary>Skips the question before something that is hard to undo.</summary>
    public static Option<bool> Yes { get; } = new("--yes", "-y") { Description = "Do not ask for a go-ahead." };

    /// <summary>Keeps a new secret off the screen.</summary>
    public static Option<FileInfo?> SecretFile { get; } = new("--secret-file") { Description = "Write the secret to a new file (mode 0600) instead of showing it.", HelpName = "FILE" };

    /// <summary>Policy documents in files.</summary>
    public static Argument<string[]> PolicyFiles() => new("PATH") { Description = "Files, or folders of them: YAML or JSON.", Arity = ArgumentArity.OneOrMore };

    /// <summary>A moment: a time, or how long ago.</summary>
    public static Option<DateTimeOffset?> Moment(string name, string description, TimeProvider clock) => new(name)
    {
        Description = $"{description}: a time such as 2026-03-01T08:00Z, or how long ago, such as 30m, 24h, 7d.",
        HelpName = "TIME",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (CommandLine.Duration.TryParse(text, out var ago))
            {
                return clock.GetUtcNow() - ago.Length;
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
    public static Option<Duration> Duration(string name, string description, TimeSpan usual) => new(name)
    {
        Description = $"{description}, {DurationForm}.",
        HelpName = "DURATION",
        DefaultValueFactory = _ => new(usual),
        CustomParser = result => ParseDuration(result) ?? default,
    };

    /// <summary>A length of time; null if it is not given.</summary>
    public static Option<Duration?> OptionalDuration(string name, string description) => new(name)
    {
        Description = $"{description}, {DurationForm}.",
        HelpName = "DURATION",
        CustomParser = ParseDuration,
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
    public static Option<TrafficView?> View(TrafficView usual) =>
        Choice<TrafficView>("--view", $"Verdicts as the kernels reported them, as the newest revision says, or as the draft says (usually {Words.Name(usual)}).");

    /// <summary>One of an enum's values, as REST writes it; case does not matter.</summary>
    public static Option<T?> Choice<T>(string name, string description, params string[] aliases)
        where T : struct, Enum
    {
        var names = Enum.GetValues<T>().Select(value => Words.Name(value)).ToArray();
        return new(name, aliases)
        {
            Description = description,
            HelpName = string.Join('|', names),
            CompletionSources = { names },
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (names.Contains(text, StringComparer.OrdinalIgnoreCase))
                {
                    return Enum.Parse<T>(text, ignoreCase: true);
                }

                result.AddError($"'{text}' is not a value of {name}. It is one of: {string.Join(", ", names)}.");
                return null;
            },
        };
    }

    /// <summary>Labels as options, repeatable.</summary>
    public static Option<string[]> Labels(string description) => new("--label", "-l")
    {
        Description = $"{description}; repeat for more.",
        HelpName = "KEY=VALUE",
    };

    private const string DurationForm = "such as 90s, 30m, 24h, 7d";

    private static Duration? ParseDuration(ArgumentResult result)
    {
        if (CommandLine.Duration.TryParse(result.Tokens[0].Value, out var duration))
        {
            return duration;
        }

        result.AddError($"'{result.Tokens[0].Value}' is not a length of time. Write 90s, 30m, 24h or 7d.");
        return null;
    }

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
}
