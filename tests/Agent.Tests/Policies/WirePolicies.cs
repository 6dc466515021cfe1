using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Google.Protobuf;
using HostPolicy = Bulkhead.Contracts.Agent.HostPolicy;

namespace Bulkhead.Agent.Tests.Policies;

/// <summary>Host policies as a controller sends them.</summary>
internal static class WirePolicies
{
    public static HostPolicy Policy(ulong number, Mode inbound = Mode.Visibility, Mode outbound = Mode.Visibility, ulong epoch = 1) => new()
    {
        Generation = new() { Epoch = epoch, Number = number },
        RequiredFeatures = { Features.Base },
        Inbound = inbound,
        Outbound = outbound,
    };

    public static HostPolicy Allowing(this HostPolicy policy, long rule, Direction direction, string peers, uint port, params string[] members)
    {
        policy.Entries.Add(new Contracts.Agent.HostEntry
        {
            Direction = direction,
            Action = Contracts.Agent.Action.Allow,
            Rule = rule,
            Peers = peers,
            Ports = { new PortMatch { Protocol = 6, First = port, Last = port } },
        });
        if (policy.PeerSets.All(set => set.Name != peers))
        {
            var prefixes = members.Select(Parse).Order().ToList();
            policy.PeerSets.Add(new Contracts.Agent.PeerSet
            {
                Name = peers,
                Digest = PeerSetDigest.Of(prefixes),
                Members = { prefixes.Select(ToWire) },
            });
        }

        return policy;
    }

    public static HostPolicy Numbered(this HostPolicy policy, ulong number)
    {
        policy.Generation.Number = number;
        return policy;
    }

    public static Prefix ToWire(IpPrefix prefix) =>
        new() { Address = ByteString.CopyFrom(prefix.Address.ToBytes()), Length = (uint)prefix.Length };

    public static IpPrefix Parse(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var address = IpAddress.Parse(slash < 0 ? text : text[..slash]);
        Assert.True(IpPrefix.TryCreate(address, slash < 0 ? address.Width : int.Parse(text[(slash + 1)..], null), out var prefix));
        return prefix;
    }
}
