using System.Globalization;

namespace Bulkhead.Console.Tests.Stage;

/// <summary>Ports as people write them.</summary>
internal static class Ports
{
    /// <summary><c>tcp/443</c> → (6, 443).</summary>
    public static (uint Protocol, uint Port) Parse(string text)
    {
        var (name, number) = text.Split('/') is [var a, var b] ? (a, b) : throw new FormatException($"'{text}' is not a port.");
        return (name == "udp" ? 17u : 6u, uint.Parse(number, CultureInfo.InvariantCulture));
    }
}
