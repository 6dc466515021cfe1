using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Documents;

/// <summary>Reads networks: CIDRs, single addresses, ranges and domain names.</summary>
public static class NetworkParser
{
    /// <summary>Parses a network, which has a path; null if any of its addresses is wrong.</summary>
    public static Network? Parse(NetworkDocument network, string path, ICollection<Diagnostic> problems)
    {
        var before = problems.Count;
        if (network.Addresses.Count == 0 && network.Fqdn.Count == 0)
        {
            problems.Add(Diagnostic.Error("no-addresses", $"{path}.addresses", "A network needs at least one CIDR, address or range."));
        }

        var include = ParseList(network.Addresses, $"{path}.addresses", problems);
        var exclude = ParseList(network.Exclude, $"{path}.exclude", problems);
        var fqdn = network.Fqdn.Select((name, i) => FqdnText.Parse(name, $"{path}.fqdn[{i}]", problems)).ToList();
        if (problems.Count > before)
        {
            return null;
        }

        var prefixes = PrefixSet.Subtract([.. include.Select(entry => entry.Prefix)], [.. exclude.Select(entry => entry.Prefix)]).ToEquatableArray();
        if (prefixes.Count == 0 && (network.Addresses.Count > 0 || network.Exclude.Count > 0))
        {
            problems.Add(Diagnostic.Error("no-addresses", $"{path}.exclude", "The exclusions leave no address of the network."));
            return null;
        }

        var ranges = include.ConvertAll(entry => entry.Prefix);
        foreach (var entry in exclude.GroupBy(entry => entry.Index, entry => entry.Prefix).Where(entry => !entry.Any(prefix => Meets(ranges, prefix))).OrderBy(entry => entry.Key))
        {
            problems.Add(Diagnostic.Warning("excludes-nothing", $"{path}.exclude[{entry.Key}]", $"'{network.Exclude[entry.Key]}' lies outside the network's addresses, so it takes nothing out. Remove it, or correct it."));
        }

        if (fqdn.Count > 0)
        {
            problems.Add(Diagnostic.Warning("not-yet-enforceable", $"{path}.fqdn", "Domain names are not enforced yet: rules with this network open its addresses only. List the addresses too where that matters."));
        }

        return new(network.Name, prefixes) { Fqdn = fqdn.Select(name => name!).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToEquatableArray() };
    }

    /// <summary>Parses one entry into the prefixes that cover it; none, with a problem, if it is wrong.</summary>
    public static IReadOnlyList<IpPrefix> ParseEntry(string? text, string path, ICollection<Diagnostic> problems)
    {
        text = text?.Trim() ?? "";
        var dash = text.IndexOf('-');
        if (dash > 0)
        {
            return ParseRange(text, text[..dash].Trim(), text[(dash + 1)..].Trim(), path, problems);
        }

        var slash = text.IndexOf('/');
        if (!IpAddress.TryParse(slash < 0 ? text : text.AsSpan(0, slash), out var address))
        {
            problems.Add(Diagnostic.Error("bad-address", path, $"'{text}' is not an address, a CIDR or a range. Write 192.0.2.7, 192.0.2.0/24, 2001:db8::/32 or 192.0.2.1-192.0.2.9."));
            return [];
        }

        if (slash < 0)
        {
            return [IpPrefix.Host(address)];
        }

        if (!int.TryParse(text.AsSpan(slash + 1), System.Globalization.NumberStyles.None, null, out var length) || length > address.Width)
        {
            problems.Add(Diagnostic.Error("bad-cidr", path, $"'{text}': the prefix length is a number from 0 to {address.Width}."));
            return [];
        }

        if (!IpPrefix.TryCreate(address, length, out var prefix))
        {
            problems.Add(Diagnostic.Error("host-bits-set", path, $"'{text}' has bits set beyond its length. Write {IpPrefix.Containing(address, length)} for the network, or {address} for the address alone."));
            return [];
        }

        return [prefix];
    }

    private static IReadOnlyList<IpPrefix> ParseRange(string text, string first, string last, string path, ICollection<Diagnostic> problems)
    {
        if (IpAddress.TryParse(first, out var from) && IpAddress.TryParse(last, out var to) && from.IsV6 == to.IsV6 && from.CompareTo(to) <= 0)
        {
            return [.. PrefixSet.FromRange(from, to)];
        }

        problems.Add(Diagnostic.Error("bad-range", path, $"'{text}' is not a range. Write the lower address, '-', and the higher one, both of one family."));
        return [];
    }

    /// <summary>Of prefixes in order that do not overlap, only the neighbours of where another belongs can overlap it.</summary>
    private static bool Meets(List<IpPrefix> sorted, IpPrefix prefix)
    {
        var at = sorted.BinarySearch(prefix);
        return at >= 0 || (~at < sorted.Count && sorted[~at].Overlaps(prefix)) || (~at > 0 && sorted[~at - 1].Overlaps(prefix));
    }

    /// <summary>The prefixes of a list's entries, each with the entry's index, in order of prefixes.</summary>
    private static List<(IpPrefix Prefix, int Index)> ParseList(IReadOnlyList<string> texts, string path, ICollection<Diagnostic> problems)
    {
        var all = new List<(IpPrefix Prefix, int Index)>();
        for (var i = 0; i < texts.Count; i++)
        {
            all.AddRange(ParseEntry(texts[i], $"{path}[{i}]", problems).Select(prefix => (prefix, i)));
        }

        all.Sort((a, b) => a.Prefix.CompareTo(b.Prefix) is var order and not 0 ? order : a.Index.CompareTo(b.Index));
        // In prefix order a container stands before all that it contains, so one running "widest so far" finds every overlap.
        var widest = all.Count > 0 ? all[0] : default;
        foreach (var entry in all.Skip(1))
        {
            if (widest.Prefix.Overlaps(entry.Prefix))
            {
                problems.Add(Diagnostic.Error("overlap", $"{path}[{entry.Index}]", $"'{texts[entry.Index]}' overlaps '{texts[widest.Index]}'. Remove one of the two; to take addresses out, list them under exclude."));
            }
            else
            {
                widest = entry;
            }
        }

        return all;
    }
}
