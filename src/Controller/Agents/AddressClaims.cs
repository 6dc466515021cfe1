using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Controller.Agents;

/// <summary>
/// Which of the addresses that an agent reports its workload holds: those within the networks of its pairing key that no one else holds, or whose holder
/// it may take them from. Addresses that an operator declared stay with the declared workload.
/// </summary>
/// <param name="Held">Sorted.</param>
/// <param name="Taken">Of these, the ones that an absent holder gives up.</param>
/// <param name="Conflicts">The ones that others keep.</param>
/// <param name="Outside">The ones outside the networks.</param>
public sealed record AddressClaims(
    EquatableArray<ScopedAddress> Held,
    IReadOnlyList<ScopedAddress> Taken,
    IReadOnlyList<AddressConflict> Conflicts,
    IReadOnlyList<IpAddress> Outside)
{
    /// <summary>Decides.</summary>
    /// <param name="claimant">Who claims.</param>
    /// <param name="reported">What its agent reports; loopback, link-local and multicast addresses never count.</param>
    /// <param name="networks">Of its pairing key.</param>
    /// <param name="entries">All workloads.</param>
    /// <param name="mayTakeFrom">Whether the claimant may take what a managed workload holds.</param>
    public static AddressClaims Decide(
        WorkloadId claimant,
        IEnumerable<IpAddress> reported,
        IReadOnlyList<IpPrefix> networks,
        IReadOnlyDictionary<ScopedAddress, WorkloadEntry> entries,
        Func<WorkloadId, bool> mayTakeFrom)
    {
        var (held, taken, conflicts, outside) = (new List<ScopedAddress>(), new List<ScopedAddress>(), new List<AddressConflict>(), new List<IpAddress>());
        foreach (var address in reported.Where(Counts).Distinct())
        {
            var scoped = ScopedAddress.Of(address);
            if (!networks.Any(network => network.Contains(address)))
            {
                outside.Add(address);
            }
            else if (!entries.TryGetValue(scoped, out var holder) || holder.Workload.Id == claimant)
            {
                held.Add(scoped);
            }
            else if (holder.Agent is null || !mayTakeFrom(holder.Workload.Id))
            {
                conflicts.Add(new(claimant, holder.Workload.Id, scoped));
            }
            else
            {
                held.Add(scoped);
                taken.Add(scoped);
            }
        }

        return new(held.Order().ToEquatableArray(), taken, conflicts, outside);
    }

    /// <summary>The addresses in a report.</summary>
    /// <returns>Null if one is malformed.</returns>
    public static IReadOnlyList<IpAddress>? Read(IEnumerable<Google.Protobuf.ByteString> bytes)
    {
        var addresses = new List<IpAddress>();
        foreach (var item in bytes)
        {
            if (!IpAddress.TryRead(item.Span, out var address))
            {
                return null;
            }

            addresses.Add(address);
        }

        return addresses;
    }

    /// <summary>The addresses of all interfaces in a report.</summary>
    /// <returns>Null if one is malformed.</returns>
    public static IReadOnlyList<IpAddress>? Read(StateReport report) => Read(report.Interfaces.SelectMany(i => i.Addresses).Select(a => a.Address));

    /// <summary>Makes the rows say so.</summary>
    public async Task ApplyAsync(Edit edit, WorkloadRow row, CancellationToken cancellation)
    {
        foreach (var address in Taken)
        {
            if (await edit.Database.Addresses.FindAsync([address.Space.Name, address.Address.ToString()], cancellation).ConfigureAwait(false) is { } held)
            {
                edit.Touch(new WorkloadId(held.WorkloadId));
                edit.Database.Addresses.Remove(held);
            }
        }

        // Removals reach the database first: the same key may not be inserted while the old holder's row is there.
        await edit.Database.SaveChangesAsync(cancellation).ConfigureAwait(false);
        var wanted = Held.ToDictionary(a => (a.Space.Name, a.Address.ToString()));
        row.Addresses.RemoveAll(a => !wanted.Remove((a.Space, a.Address)));
        row.Addresses.AddRange(wanted.Keys.Select(key => new AddressRow { Space = key.Name, Address = key.Item2, WorkloadId = row.Id }));
        edit.Touch(new WorkloadId(row.Id));
    }

    private static bool Counts(IpAddress address) =>
        !address.IsLoopback && !address.IsLinkLocal && !address.IsMulticast && address.Bits != UInt128.Zero;
}
