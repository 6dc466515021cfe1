using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Inventory;

/// <summary>
/// For each address that is held, its holder's row: the place among all workloads in id order. By space and family, since tables of small
/// keys stay in the processor's cache where those of whole <see cref="ScopedAddress"/>es do not.
/// </summary>
internal sealed class AddressRows
{
    private readonly Dictionary<AddressSpace, Rows> _spaces = [];
    private readonly Rows _default = new([], []);

    /// <summary>Finds the rows of workloads in order.</summary>
    public AddressRows(WorkloadIndex index)
    {
        _spaces.Add(AddressSpace.Default, _default);
        for (var row = 0; row < index.Workloads.Count; row++)
        {
            foreach (var (space, address) in index.Held(index.Workloads[row]))
            {
                if (!_spaces.TryGetValue(space, out var rows))
                {
                    _spaces.Add(space, rows = new([], []));
                }

                rows.Add(address, row);
            }
        }
    }

    /// <summary>The rows of the holders of two addresses in a space; -1 where nobody holds one.</summary>
    public (int First, int Second) Find(AddressSpace space, IpAddress first, IpAddress second)
    {
        var rows = space == AddressSpace.Default ? _default : _spaces.GetValueOrDefault(space);
        return rows is null ? (-1, -1) : (rows.Find(first), rows.Find(second));
    }

    private sealed record Rows(Dictionary<uint, int> V4, Dictionary<UInt128, int> V6)
    {
        public void Add(IpAddress address, int row)
        {
            if (address.IsV6)
            {
                V6[address.Bits] = row;
            }
            else
            {
                V4[(uint)address.Bits] = row;
            }
        }

        public int Find(IpAddress address) =>
            address.IsV6 ? (V6.TryGetValue(address.Bits, out var v6) ? v6 : -1) : V4.TryGetValue((uint)address.Bits, out var v4) ? v4 : -1;
    }
}
