using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Tests;

/// <summary>Every connection over a small label space, as regions see it.</summary>
internal static class LetterSpace
{
    private static readonly string?[] _values = [null, "a", "b", "zz"];

    /// <summary>Values of two keys, one that no policy mentions among them.</summary>
    public static LabelSet[] Labels { get; } = [.. from role in _values from app in _values
        select LabelSet.Of(new[] { ("role", role), ("app", app) }.Where(l => l.Item2 is not null).Select(l => new Label(l.Item1, l.Item2!)))];

    /// <summary>Ports that random policies tell apart.</summary>
    public static (byte Protocol, ushort Port)[] Ports { get; } = [(6, 80), (6, 85), (6, 443), (17, 53), (17, 67), (17, 68), (1, 8), (47, 0)];

    /// <summary>A part of all connections, spread evenly: with addresses, or with processes and users.</summary>
    public static IEnumerable<LetterConnection> Everything(bool networks)
    {
        var ends = LetterReference.Addresses.SelectMany(a => Labels.Append(null).Select(labels => new LetterEnd(labels, a, a.IsV6, null))).ToList();
        var v4 = ends.Where(e => e.Address == LetterReference.Addresses[1] && e.Labels is not null).ToList();
        string?[] paths = [null, "/bin/p", "/bin/s"];
        return networks
            ? from f in ends.Index() from t in ends.Index()
              where f.Item.IsV6 == t.Item.IsV6 && (f.Item.Labels ?? t.Item.Labels) is not null && f.Item.Address != t.Item.Address
              let port = Ports[(f.Index + (3 * t.Index)) % Ports.Length]
              select new LetterConnection(f.Item, t.Item, port.Protocol, port.Port, [])
            : from f in v4 from t in v4 from port in Ports from path in paths from groups in (string[][])[[], ["g"], ["h"], ["g", "h"]]
              select new LetterConnection(f with { Path = path }, t with { Address = LetterReference.Addresses[2], Path = path }, port.Protocol, port.Port, groups);
    }

    /// <summary>The connection in the numbers of an alphabet.</summary>
    public static Point Point(LetterConnection c, Alphabet alphabet)
    {
        var values = new int[Dimension.Count(Math.Max(2, alphabet.Keys.Count))];
        foreach (var (end, side) in (ReadOnlySpan<(LetterEnd, Side)>)[(c.From, Side.Consumer), (c.To, Side.Provider)])
        {
            values[Dimension.Kind(side)] = end.Labels is null ? Dimension.Unmanaged : Dimension.Workload;
            values[Dimension.Path(side)] = end.Path is null ? Alphabet.Absent : alphabet.Of(end.Path);
            foreach (var (key, value) in end.Labels?.Labels ?? [])
            {
                values[Dimension.Label(side, alphabet.Key(key))] = alphabet.Of(value);
            }
        }

        return new(values, PortCodes.Of(c.Protocol, c.Port), AddressCodes.Of(c.From.Address!.Value), AddressCodes.Of(c.To.Address!.Value), [.. c.Groups.Select(alphabet.Of).Order()]);
    }
}
