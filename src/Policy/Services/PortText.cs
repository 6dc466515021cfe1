using System.Globalization;

namespace Bulkhead.Policy.Services;

/// <summary>Reads ports as written in policy: <c>tcp/443</c>, <c>udp/8000-8100</c>, <c>icmp/8</c>, <c>tcp</c>, <c>47</c> (a protocol number) or <c>any</c>.</summary>
public static class PortText
{
    /// <summary>Parses one entry; a problem is added to <paramref name="problems"/> and null returned.</summary>
    public static PortMatch? Parse(string? text, string path, ICollection<Diagnostic> problems)
    {
        text = text?.Trim() ?? "";
        if (text == "any")
        {
            return PortMatch.Any;
        }

        var slash = text.IndexOf('/');
        if (!IpProtocol.TryParse(slash < 0 ? text : text[..slash], out var protocol))
        {
            problems.Add(Diagnostic.Error("bad-port", path, $"'{text}' is not a port. Write tcp/443, udp/8000-8100, icmp/8, a protocol such as tcp or 47, or any."));
            return null;
        }

        if (slash < 0)
        {
            return PortMatch.Whole(protocol);
        }

        var range = text[(slash + 1)..];
        var dash = range.IndexOf('-');
        if (int.TryParse(dash < 0 ? range : range[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            && int.TryParse(dash < 0 ? range : range[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            && PortMatch.TryCreate(protocol, first, last, out var match)
            && (first > 0 || !IpProtocol.HasPorts(protocol)))
        {
            return match;
        }

        problems.Add(Diagnostic.Error("bad-port", path, IpProtocol.IsIcmp(protocol)
            ? $"'{text}': an ICMP type is a number from 0 to 255, such as icmp/8."
            : $"'{text}': a port is a number from 1 to 65535, or a range from low to high such as tcp/8000-8100; only tcp, udp and sctp have ports."));
        return null;
    }
}
