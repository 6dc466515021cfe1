using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Google.Protobuf.Collections;
using Wire = Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>
/// Applies what the wire says of members that join and leave peer sets. Whatever does not fit to the letter gives nothing: then a whole policy
/// is to be asked for.
/// </summary>
internal static class DeltaDecoder
{
    /// <summary>The policy after a delta; null if it is for another policy, is malformed or unknown in any part, or leads to other members than it says.</summary>
    public static HostPolicy? Apply(HostPolicy policy, Wire.PolicyDelta delta)
    {
        if (HasUnknownFields(delta) || Read(delta.From) != policy.Generation || Read(delta.To) is not { } to
            || to.Epoch != policy.Generation.Epoch || to.Number <= policy.Generation.Number)
        {
            return null;
        }

        var sets = policy.PeerSets.ToDictionary(set => set.Name, StringComparer.Ordinal);
        foreach (var change in delta.PeerSets)
        {
            if (!sets.TryGetValue(change.Name, out var set) || Apply(set, change) is not { } next)
            {
                return null;
            }

            sets[change.Name] = next;
        }

        return sets.Values.Sum(set => (long)set.Count) > PolicyDecoder.MostMembers
            ? null
            : policy with { Generation = to, PeerSets = policy.PeerSets.Select(set => sets[set.Name]).ToEquatableArray() };
    }

    private static PeerSet? Apply(PeerSet set, Wire.PeerSetChange change) =>
        Read(change.Removed) is { } removed && Read(change.Added) is { } added
        && set.Packed.With(removed, added) is { } members && members.Digest == change.Digest
            ? new(set.Name, members)
            : null;

    private static List<IpPrefix>? Read(RepeatedField<Wire.Prefix> wire)
    {
        var prefixes = new List<IpPrefix>(wire.Count);
        foreach (var one in wire)
        {
            if (!IpAddress.TryRead(one.Address.Span, out var address) || one.Length > 128 || !IpPrefix.TryCreate(address, (int)one.Length, out var prefix))
            {
                return null;
            }

            prefixes.Add(prefix);
        }

        return prefixes;
    }

    private static Generation? Read(Wire.Generation? generation) =>
        generation is { Epoch: > 0, Number: > 0 } ? new(generation.Epoch, generation.Number) : null;

    private static bool HasUnknownFields(Wire.PolicyDelta delta) =>
        Wire.PolicyDelta.Parser.WithDiscardUnknownFields(true).ParseFrom(Google.Protobuf.MessageExtensions.ToByteString(delta)).CalculateSize() != delta.CalculateSize();
}
