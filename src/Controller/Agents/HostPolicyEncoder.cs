using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Addresses;
using Google.Protobuf;
using Rules = Bulkhead.Policy.Rules;

namespace Bulkhead.Controller.Agents;

/// <summary>Writes host policies as the agent channel carries them.</summary>
public static class HostPolicyEncoder
{
    /// <summary>The message, in the policy's own (canonical) order.</summary>
    public static HostPolicy Encode(Policy.Compile.HostPolicy policy, EpochProof proof)
    {
        var message = new HostPolicy
        {
            Generation = new() { Epoch = policy.Generation.Epoch, Number = policy.Generation.Number },
            EpochProof = proof,
            Inbound = Encode(policy.Modes.Inbound),
            Outbound = Encode(policy.Modes.Outbound),
            Quarantined = policy.Quarantined,
        };
        message.RequiredFeatures.AddRange(policy.RequiredFeatures);
        message.Responders.AddRange(policy.Responders.Select(Encode));
        message.QuarantinedPeers.AddRange(policy.QuarantinedPeers.Select(Encode));
        message.Controllers.AddRange(policy.Controllers.Select(c => new ControllerEndpoint { Address = Encode(c.Address), Port = c.Port }));
        message.FailSafe.AddRange(policy.FailSafe.Select(entry => new FailSafeEntry { Sources = { entry.Sources.Select(Encode) }, Ports = { entry.Ports.Select(Encode) } }));
        message.Entries.AddRange(policy.Entries.Select(Encode));
        message.PeerSets.AddRange(policy.PeerSets.Select(set => new PeerSet { Name = set.Name, Digest = set.Digest, Members = { set.Members.Select(Encode) } }));
        return message;
    }

    /// <summary>What leads from one policy to another; null if that is more than members who join and leave, and the policy has to be sent whole.</summary>
    public static PolicyDelta? Encode(Policy.Compile.HostPolicy before, Policy.Compile.HostPolicy after)
    {
        if (before.Generation.Epoch != after.Generation.Epoch || before.Generation.Number >= after.Generation.Number
            || Policy.Compile.HostDelta.Between(before, after) is not { Header: null, AddedEntries.Count: 0, RemovedEntries.Count: 0, DroppedSets.Count: 0, NewSets.Count: 0 } delta)
        {
            return null;
        }

        return new()
        {
            From = new() { Epoch = before.Generation.Epoch, Number = before.Generation.Number },
            To = new() { Epoch = after.Generation.Epoch, Number = after.Generation.Number },
            PeerSets =
            {
                delta.ChangedSets.Select(set => new PeerSetChange { Name = set.Name, Digest = set.Digest, Added = { set.Added.Select(Encode) }, Removed = { set.Removed.Select(Encode) } }),
            },
        };
    }

    private static HostEntry Encode(Policy.Compile.HostEntry entry) => new()
    {
        Direction = entry.Direction == Rules.Direction.Inbound ? Direction.Inbound : Direction.Outbound,
        Action = entry.Action switch
        {
            Rules.RuleAction.OverrideDeny => Contracts.Agent.Action.OverrideDeny,
            Rules.RuleAction.Allow => Contracts.Agent.Action.Allow,
            _ => Contracts.Agent.Action.Deny,
        },
        Rule = entry.Rule.Value,
        Peers = entry.Peers,
        Ports = { entry.Ports.Select(Encode) },
        ProcessPath = entry.Process?.Path ?? "",
        ProcessUnit = entry.Process?.Unit ?? "",
        Users = { entry.Users },
        UnidentifiedMatches = entry.UnidentifiedMatches,
        Stateless = entry.Stateless,
        Helper = entry.Helper?.Name ?? "",
    };

    private static Mode Encode(Rules.EnforcementMode mode) => mode switch
    {
        Rules.EnforcementMode.Full => Mode.Full,
        Rules.EnforcementMode.Selective => Mode.Selective,
        _ => Mode.Visibility,
    };

    private static Prefix Encode(IpPrefix prefix) => new() { Address = Encode(prefix.Address), Length = (uint)prefix.Length };

    private static PortMatch Encode(Policy.Services.PortMatch port) => new() { Protocol = port.Protocol, First = port.First, Last = port.Last };

    private static ByteString Encode(IpAddress address) => UnsafeByteOperations.UnsafeWrap(address.ToBytes());
}
