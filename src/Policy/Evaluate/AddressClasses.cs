using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Policy.Evaluate;

/// <summary>Splits addresses that no workload has into runs that a policy cannot tell apart.</summary>
internal sealed class AddressClasses
{
    private static readonly IpPrefix[] s_special =
        [Prefix("127.0.0.0", 8), Prefix("169.254.0.0", 16), Prefix("224.0.0.0", 4), Prefix("255.255.255.255", 32), Prefix("::1", 128), Prefix("fe80::", 10), Prefix("ff00::", 8)];

    private readonly PolicyState _state;
    private readonly AddressSpace _space;
    private readonly IpAddress[] _starts;

    /// <summary>For addresses as a space sees them.</summary>
    public AddressClasses(PolicyState state, AddressSpace space)
    {
        (_state, _space) = (state, space);
        IEnumerable<IpPrefix> told =
        [
            .. s_special,
            .. state.Networks.Values.SelectMany(network => network.Network.Prefixes),
            .. state.Policy.FailSafe.SelectMany(failSafe => failSafe.Network.Prefixes),
            .. state.Policy.Responders?.Prefixes ?? [],
            .. state.QuarantinedIn(space),
            .. state.Settings.Controllers.Select(controller => IpPrefix.Host(controller.Address)),
        ];
        _starts = [.. told.SelectMany(prefix => After(prefix.Last) is { } after ? new[] { prefix.Address, after } : [prefix.Address]).Distinct().Order()];
    }

    /// <summary>The runs of prefixes, in order, each with an address that no workload has; those that have none are left out.</summary>
    public IEnumerable<(IpAddress First, IpAddress Last, IpAddress Free)> Of(IEnumerable<IpPrefix> prefixes)
    {
        foreach (var prefix in prefixes.Order())
        {
            IpAddress? from = prefix.Address;
            while (from is { } first)
            {
                var at = Array.BinarySearch(_starts, first);
                var next = at < 0 ? ~at : at + 1;
                var last = next < _starts.Length && prefix.Contains(_starts[next]) ? Before(_starts[next]) : prefix.Last;
                if (FreeIn(first, last) is { } free)
                {
                    yield return (first, last, free);
                }

                from = last == prefix.Last ? null : After(last);
            }
        }
    }

    private IpAddress? FreeIn(IpAddress first, IpAddress last)
    {
        for (IpAddress? at = first; at is { } address && address.CompareTo(last) <= 0; at = After(address))
        {
            if (_state.Workloads.Translations.VisibleAt(new(_space, address)).Count == 0)
            {
                return address;
            }
        }

        return null;
    }

    private static IpPrefix Prefix(string address, int length) => IpPrefix.Containing(IpAddress.Parse(address), length);

    /// <summary>The next address of the family; null after the last, and where IPv6 has IPv4's addresses.</summary>
    private static IpAddress? After(IpAddress address)
    {
        if (address.Bits == (address.IsV6 ? UInt128.MaxValue : uint.MaxValue))
        {
            return null;
        }

        var next = address.IsV6 ? IpAddress.V6(address.Bits + 1) : IpAddress.V4((uint)address.Bits + 1);
        return next.IsV6 == address.IsV6 ? next : null;
    }

    private static IpAddress Before(IpAddress address) => address.IsV6 ? IpAddress.V6(address.Bits - 1) : IpAddress.V4((uint)address.Bits - 1);
}
