using System.Globalization;
using System.Net;
using System.Numerics;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Policy.Tests.Naive;

/// <summary>Reads a document's words, each time anew: selectors with their groups, networks, ports. It shares nothing with the engine but its input.</summary>
internal sealed class NaiveText(PolicyDocument document)
{
    private const string NetworkPrefix = "network:";

    public static bool IsNetwork(string end) => end.StartsWith(NetworkPrefix, StringComparison.Ordinal);

    /// <summary>Whether a selector chooses a workload with these labels.</summary>
    public bool Selects(string selector, IReadOnlyDictionary<string, string> labels) =>
        selector == "all" || selector.Split(',').All(term => Holds(term.Trim(), labels));

    /// <summary>Whether a rule's network end, or a network's bare name, has an address.</summary>
    public bool InNetwork(string end, IPAddress address)
    {
        var name = IsNetwork(end) ? end[NetworkPrefix.Length..] : end;
        var network = document.Networks.FirstOrDefault(n => n.Name == name);
        return network is not null && network.Addresses.Any(a => Spans(a, address)) && !network.Exclude.Any(a => Spans(a, address));
    }

    /// <summary>The services among those named that cover a destination: per service, the process that must serve it, or null.</summary>
    public IReadOnlyList<ProcessDocument?> Covering(IEnumerable<string> services, byte protocol, int port) =>
        [.. from name in services
            let declared = document.Services.FirstOrDefault(s => s.Name == name)
            where (declared?.Ports ?? [name]).Any(p => Covers(p, protocol, port))
            select declared?.Process];

    /// <summary>Whether <c>tcp/80-90</c>, <c>icmp/8</c>, <c>47</c> or <c>any</c> covers a protocol and port (or ICMP type).</summary>
    public static bool Covers(string ports, byte protocol, int port)
    {
        if (ports == "any")
        {
            return true;
        }

        var parts = ports.Split('/');
        int wanted = parts[0] switch { "icmp" => 1, "tcp" => 6, "udp" => 17, "icmpv6" => 58, "sctp" => 132, var number => Number(number) };
        if (wanted != protocol)
        {
            return false;
        }

        var bounds = parts.Length == 1 ? null : parts[1].Split('-').Select(Number).ToArray();
        return bounds is null || (bounds[0] <= port && port <= bounds[^1]);
    }

    private bool Holds(string term, IReadOnlyDictionary<string, string> labels)
    {
        var negated = term.Contains("!=", StringComparison.Ordinal);
        var parts = term.Split(negated ? "!=" : "=");
        var value = labels.GetValueOrDefault(parts[0].Trim());
        if (parts[1] == "*")
        {
            return value is not null;
        }

        var listed = value is not null && parts[1].Split('|').Any(v => v.Trim() is var name && (name.StartsWith('@') ? InGroup(name[1..], value) : name == value));
        return listed != negated;
    }

    private bool InGroup(string name, string value)
    {
        var group = document.LabelGroups.Single(g => g.Name == name);
        return group.Values.Contains(value) || group.Groups.Any(inner => InGroup(inner, value));
    }

    /// <summary>Whether a CIDR, a range or a single address has an address; families never mix.</summary>
    private static bool Spans(string text, IPAddress address)
    {
        var ends = text.Split('-');
        var parts = ends[0].Split('/');
        var first = IPAddress.Parse(parts[0]);
        if (first.AddressFamily != address.AddressFamily)
        {
            return false;
        }

        var bits = first.GetAddressBytes().Length * 8;
        var last = ends.Length == 2 ? Value(IPAddress.Parse(ends[1]))
            : parts.Length == 2 ? Value(first) + BigInteger.Pow(2, bits - Number(parts[1])) - 1
            : Value(first);
        return Value(first) <= Value(address) && Value(address) <= last;
    }

    private static BigInteger Value(IPAddress address) => new(address.GetAddressBytes(), isUnsigned: true, isBigEndian: true);

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
