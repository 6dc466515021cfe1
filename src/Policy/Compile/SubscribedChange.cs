using System.Collections.Immutable;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Policy.Compile;

/// <summary>A change with the entries whose hosts must hear of it.</summary>
/// <param name="Change">The change.</param>
/// <param name="Entries">Those that name the set.</param>
/// <param name="Space">The space that its subscribers see; null for all.</param>
internal sealed record SubscribedChange(PeerSetChange Change, ImmutableArray<Entry> Entries, AddressSpace? Space)
{
    /// <summary>Whether any host holds one of the entries.</summary>
    public bool HasSubscriber(PolicyState state)
    {
        foreach (var entry in Entries)
        {
            foreach (var labelSet in entry.Subject.LabelSets.Span)
            {
                if (IsSubscriber(state, labelSet, entry))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private bool IsSubscriber(PolicyState state, int labelSet, Entry entry)
    {
        foreach (var kin in state.Inhabited(labelSet)?.Kins ?? [])
        {
            if (kin.Key.Managed && (Space is null || Space == kin.Key.Space) && entry.IsHeldWith(kin.Key.Features))
            {
                return true;
            }
        }

        return false;
    }
}
