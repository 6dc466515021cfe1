using System.Globalization;

namespace Bulkhead.Cli.Connection;

/// <summary>Paths and query strings with everything escaped.</summary>
internal static class Query
{
    /// <summary>Joins segments, escaping all but the first.</summary>
    public static string Path(string root, params ReadOnlySpan<object> segments)
    {
        foreach (var segment in segments)
        {
            root += $"/{Escape(segment)}";
        }

        return root;
    }

    /// <summary>Adds parameters; null ones are left out.</summary>
    public static string Add(string path, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        foreach (var (name, value) in parameters)
        {
            if (value is not null)
            {
                path += $"{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{name}={Escape(value)}";
            }
        }

        return path;
    }

    private static string Escape(object value) => Uri.EscapeDataString(value switch
    {
        DateTimeOffset time => time.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture),
        Enum choice => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(choice.ToString()),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    });
}
