using System.Globalization;
using System.Text.Json;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Output;

/// <summary>How values read in tables.</summary>
internal static class Words
{
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB", "PB"];

    /// <summary>How long ago, in the largest unit that fits.</summary>
    public static string Ago(this DateTimeOffset? time, DateTimeOffset now) => time is { } known ? known.Ago(now) : "never";

    /// <summary>How long ago, or how far ahead.</summary>
    public static string Ago(this DateTimeOffset time, DateTimeOffset now)
    {
        var span = now - time;
        return span < TimeSpan.Zero ? $"in {Length(-span)}" : span < TimeSpan.FromSeconds(1) ? "now" : $"{Length(span)} ago";
    }

    /// <summary>Bytes, with three digits at most.</summary>
    public static string Bytes(long bytes)
    {
        double value = bytes;
        var unit = 0;
        for (; value >= 1000 && unit < Units.Length - 1; unit++)
        {
            value /= 1000;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{(unit == 0 || value >= 100 ? Math.Round(value) : Math.Round(value, 1))} {Units[unit]}");
    }

    public static string Text(this long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    public static string Text(this int number) => ((long)number).Text();

    /// <summary>Without control characters, which a compromised host could put into a name to take over the terminal; lines stay lines.</summary>
    public static string Printable(string text) => text.Any(IsUnprintable) ? string.Concat(text.Select(c => IsUnprintable(c) ? '\uFFFD' : c)) : text;

    /// <summary>A number with its noun: <c>1 error</c>, <c>2 errors</c>.</summary>
    public static string Of(this int number, string noun) => ((long)number).Of(noun);

    /// <summary>The same of a long number.</summary>
    public static string Of(this long number, string noun) => number == 1 ? $"1 {noun}" : $"{number.Text()} {noun}s";

    /// <summary>In the order of the keys: <c>app=shop env=prod</c>.</summary>
    public static string Labels(IReadOnlyDictionary<string, string> labels) =>
        string.Join(' ', labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}"));

    /// <summary>As REST writes it.</summary>
    public static string Name(Enum value) => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

    /// <summary>In words.</summary>
    public static string Phrase(VerdictKind verdict) => verdict == VerdictKind.PotentiallyBlocked ? "potentially blocked" : Name(verdict);

    public static Cell Verdict(VerdictKind verdict) => new(Phrase(verdict), new Style(verdict switch
    {
        VerdictKind.Allowed => Color.Green,
        VerdictKind.PotentiallyBlocked => Color.Yellow,
        VerdictKind.Blocked => Color.Red,
        _ => Color.Grey,
    }));

    public static Cell Sync(SyncState state) => new(state == SyncState.None ? "unmanaged" : Name(state), new Style(state switch
    {
        SyncState.Synced => Color.Green,
        SyncState.Error => Color.Red,
        SyncState.None => Color.Grey,
        _ => Color.Yellow,
    }));

    /// <summary>Both directions in one word if they agree.</summary>
    public static string Modes(ModeName inbound, ModeName outbound) =>
        inbound == outbound ? Name(inbound) : $"in {Name(inbound)}, out {Name(outbound)}";

    /// <summary>Names of processes, without repetition.</summary>
    public static string Processes(IEnumerable<ProcessView> processes) =>
        string.Join(' ', processes.Select(process => process.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

    private static bool IsUnprintable(char c) => char.IsControl(c) && c != '\n';

    private static string Length(TimeSpan span) => span switch
    {
        { TotalDays: >= 2 } => Count(span.TotalDays, "days"),
        { TotalHours: >= 2 } => Count(span.TotalHours, "h"),
        { TotalMinutes: >= 2 } => Count(span.TotalMinutes, "min"),
        _ => Count(span.TotalSeconds, "s"),
    };

    private static string Count(double number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(number)} {unit}");
}
