using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Policies;
using Bulkhead.Agent.Tests.Channel;
using Bulkhead.Contracts.Agent;
using Bulkhead.Enforcement.Render;
using Bulkhead.Enforcement.State;
using Bulkhead.Policy.Compile;
using Google.Protobuf;
using FailSafeEntry = Bulkhead.Contracts.Agent.FailSafeEntry;
using HostPolicy = Bulkhead.Contracts.Agent.HostPolicy;
using PeerSetChange = Bulkhead.Contracts.Agent.PeerSetChange;
using PolicyDelta = Bulkhead.Contracts.Agent.PolicyDelta;

namespace Bulkhead.Agent.Tests.Policies;

/// <summary>Policies, changes and files of them with damage of every kind: each is refused as a value, or is what it says and can be enforced.</summary>
public sealed class DamagedMessageTests
{
    private static readonly ReceivedPolicy s_base = Received(Whole(1));

    [Fact]
    public void A_damaged_message_is_refused_or_means_what_it_says()
    {
        var (policies, deltas, refused) = (0, 0, 0);
        Fuzz.Check(4000, random =>
        {
            var original = random.Next(2) == 0 ? new ServerMessage { Policy = Whole(2) } : new ServerMessage { Delta = Delta() };
            // Most damage to the frame shows at once, so most is done within it.
            var bytes = random.Next(8) == 0 ? Fuzz.Damage(TestController.Delimit(original), random) : Framed(Fuzz.Damage(original.ToByteArray(), random));
            if (Read(bytes) is not { } message)
            {
                refused++;
                return;
            }

            switch (message.BodyCase)
            {
                case ServerMessage.BodyOneofCase.Policy:
                    policies += Decoded(message.Policy) ? 1 : 0;
                    break;
                case ServerMessage.BodyOneofCase.Delta:
                    deltas += Applied(message.Delta) ? 1 : 0;
                    break;
            }
        });
        // Damage within names, ports and addresses of a policy makes another policy; to a change of members it nearly always shows.
        Assert.True(policies > 40 && deltas > 0 && refused > 500, $"{policies} policies, {deltas} changes, {refused} refused");
    }

    [Fact]
    public void Damaged_files_give_a_policy_that_was_kept_or_shut_the_host()
    {
        using var folder = new TemporaryFolder();
        var state = folder.State();
        var cache = new PolicyCache(state);
        var policy = s_base;
        cache.BeforeApplying(policy);
        cache.AfterApplying(policy);
        policy = policy.With(Delta())!;
        cache.BeforeApplying(policy);
        cache.AfterApplying(policy);
        var files = Directory.GetFiles(state.Root).ToDictionary(file => file, File.ReadAllBytes);
        Assert.Equal(5, files.Count);
        var lost = 0;
        Fuzz.Check(400, random =>
        {
            foreach (var (file, content) in files)
            {
                File.WriteAllBytes(file, random.Next(3) == 0 ? content : Fuzz.Damage(content, random));
            }

            switch (new PolicyCache(state).Load())
            {
                case CachedPolicy.Whole whole:
                    Assert.Contains(whole.Policy.Policy, new[] { s_base.Policy, policy.Policy });
                    break;
                case CachedPolicy.Lost shut:
                    lost++;
                    Assert.Equal(Bulkhead.Policy.Rules.EnforcementMode.Full, shut.Marker.Modes.Inbound);
                    break;
                default:
                    Assert.Fail("The host forgot that it enforces.");
                    break;
            }
        });
        Assert.True(lost > 20, $"{lost} lost");
    }

    private static byte[] Framed(byte[] body)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            output.WriteBytes(ByteString.CopyFrom(body));
        }

        return stream.ToArray();
    }

    /// <summary>A message as the channel gives it; null if the channel refuses it.</summary>
    private static ServerMessage? Read(byte[] bytes)
    {
        try
        {
            using var stream = new PolicyStream(new MemoryStream(bytes));
            return stream.ReadAsync(CancellationToken.None).GetAwaiter().GetResult();
        }
        catch (ChannelException)
        {
            return null;
        }
    }

    private static bool Decoded(HostPolicy wire)
    {
        var decoded = PolicyDecoder.Decode(wire);
        Assert.Equal(decoded.Value is null, decoded.Diagnostics.Count > 0);
        if (decoded.Value is not { } policy)
        {
            Assert.NotEmpty(PolicyDecoder.Refusal(wire, decoded.Diagnostics).Message);
            return false;
        }

        // Nothing that it carries was passed over: written and read once more it is the same.
        Assert.Equal(policy, PolicyDecoder.Decode(HostPolicy.Parser.ParseFrom(wire.ToByteArray())).Value);
        Assert.All(policy.PeerSets, set => Assert.Equal(PeerSetDigest.Of(set.Members), set.Digest));
        if (PolicyCheck.Refuse(s_base.Policy, policy, epochProven: true, [Features.Base]) is null)
        {
            Assert.NotEmpty(FirewallRenderer.Render(policy, NameLookups.None).Chains);
        }

        return true;
    }

    private static bool Applied(PolicyDelta delta)
    {
        if (s_base.With(delta)?.Policy is not { } policy)
        {
            return false;
        }

        Assert.Equal((delta.To.Epoch, delta.To.Number), (policy.Generation.Epoch, policy.Generation.Number));
        Assert.All(policy.PeerSets, set => Assert.Equal(PeerSetDigest.Of(set.Members), set.Digest));
        Assert.Equal(s_base.Policy, policy with { Generation = s_base.Policy.Generation, PeerSets = s_base.Policy.PeerSets });
        return true;
    }

    private static ReceivedPolicy Received(HostPolicy wire) => ReceivedPolicy.Of(wire, PolicyDecoder.Decode(wire).Value!);

    private static HostPolicy Whole(ulong number)
    {
        var policy = WirePolicies.Policy(number, inbound: Mode.Full, outbound: Mode.Selective)
            .Allowing(1, Direction.Inbound, "s0", 80, "10.0.0.1", "10.1.0.0/16", "fd00::1")
            .Allowing(2, Direction.Outbound, "s1", 443, "10.0.0.9", "fd01::/32");
        policy.FailSafe.Add(new FailSafeEntry { Sources = { WirePolicies.ToWire(WirePolicies.Parse("10.9.0.0/16")) }, Ports = { new PortMatch { Protocol = 6, First = 22, Last = 22 } } });
        policy.Controllers.Add(new Contracts.Agent.ControllerEndpoint { Address = WirePolicies.ToWire(WirePolicies.Parse("10.0.0.250")).Address, Port = 8444 });
        policy.Entries[1].Action = Contracts.Agent.Action.Deny;
        return policy;
    }

    private static PolicyDelta Delta() => new()
    {
        From = new() { Epoch = 1, Number = 1 },
        To = new() { Epoch = 1, Number = 2 },
        PeerSets =
        {
            new PeerSetChange
            {
                Name = "s0",
                Digest = PeerSetDigest.Of(((string[])["10.0.0.2", "10.1.0.0/16", "fd00::1"]).Select(WirePolicies.Parse)),
                Added = { WirePolicies.ToWire(WirePolicies.Parse("10.0.0.2")) },
                Removed = { WirePolicies.ToWire(WirePolicies.Parse("10.0.0.1")) },
            },
        },
    };
}
