using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Compile;

/// <summary>
/// What an entry says of peers that are visible under addresses which they need not hold: the same once more, at a provider for the addresses
/// that they connect from, at a consumer for those where they are published, with the ports under which they are.
/// </summary>
internal static class TranslatedEntries
{
    /// <summary>The further entries of a host that sees a space, in no order, each with its peer set.</summary>
    public static IEnumerable<(HostEntry Entry, PeerSet Set)> Of(PolicyState state, Entry entry, AddressSpace space)
    {
        if (entry.Peer.Group is not { } group)
        {
            yield break;
        }

        foreach (var view in state.Groups[group.Id]!.ViewsOf(entry.Peer.Variant))
        {
            if (view.View.Space == space && view.View.PortsOf(entry) is { Count: > 0 } ports)
            {
                yield return (entry.ToHostEntry(space) with { Peers = view.Set.Name, Ports = ports }, view.Set);
            }
        }
    }
}
