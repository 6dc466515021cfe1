using Bulkhead.Agent.Policies;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;
using Google.Protobuf;
using HostPolicy = Bulkhead.Contracts.Agent.HostPolicy;

namespace Bulkhead.Agent.Tests.Policies;

public sealed class PolicyDecoderTests
{
    [Fact]
    public void A_policy_comes_out_as_it_was_meant()
    {
        var wire = Sample();
        wire.QuarantinedPeers.Add(WirePolicies.ToWire(WirePolicies.Parse("10.0.0.66")));
        wire.Controllers.Add(new ControllerEndpoint { Address = ByteString.CopyFrom(10, 0, 0, 1), Port = 8444 });
        wire.Entries[0].Helper = "ftp";

        var policy = PolicyDecoder.Decode(wire).Value!;

        Assert.Equal("1.7", policy.Generation.ToString());
        Assert.Equal(new Modes(EnforcementMode.Full, EnforcementMode.Visibility), policy.Modes);
        var entry = Assert.Single(policy.Entries);
        Assert.Equal((Bulkhead.Policy.Rules.Direction.Inbound, RuleAction.Allow, 3L, "web", "tcp/443"), (entry.Direction, entry.Action, entry.Rule.Value, entry.Peers, entry.Ports[0].ToString()));
        Assert.Equal("ftp", entry.Helper?.Name);
        Assert.Equal(["10.0.0.0/24", "fd00::1"], policy.PeerSets[0].Members.Select(m => m.ToString()));
        Assert.Equal("10.0.0.66", Assert.Single(policy.QuarantinedPeers).ToString());
        Assert.Equal(IpAddress.Parse("10.0.0.1"), Assert.Single(policy.Controllers).Address);
    }

    public static TheoryData<string, System.Action<HostPolicy>> Damage => new()
    {
        { "bad-generation", p => p.Generation = null },
        { "bad-generation", p => p.Generation.Number = 0 },
        { "bad-mode", p => p.Inbound = Mode.Unspecified },
        { "bad-mode", p => p.Outbound = (Mode)9 },
        { "bad-direction", p => p.Entries[0].Direction = (Contracts.Agent.Direction)7 },
        { "bad-action", p => p.Entries[0].Action = Contracts.Agent.Action.Unspecified },
        { "bad-rule", p => p.Entries[0].Rule = 0 },
        { "unknown-peers", p => p.Entries[0].Peers = "nobody" },
        { "no-ports", p => p.Entries[0].Ports.Clear() },
        { "bad-port", p => p.Entries[0].Ports[0].Last = 70_000 },
        { "bad-port", p => p.Entries[0].Ports[0].First = 444 },
        { "bad-port", p => p.Entries[0].Ports[0].Protocol = 256 },
        { "bad-text", p => p.Entries[0].ProcessPath = new string('x', 5000) },
        { "bad-stateless", p => (p.Entries[0].Stateless, p.Entries[0].ProcessPath) = (true, "/bin/x") },
        { "bad-stateless", p => { p.Entries[0].Stateless = true; p.Entries[0].Ports[0].Protocol = 132; } },
        { "bad-helper", p => p.Entries[0].Helper = "irc" },
        { "bad-helper", p => p.Entries[0].Helper = "tftp" },
        { "bad-helper", p => (p.Entries[0].Helper, p.Entries[0].ProcessPath) = ("ftp", "/bin/ftpd") },
        { "bad-helper", p => (p.Entries[0].Helper, p.Entries[0].Ports[0].Last) = ("ftp", p.Entries[0].Ports[0].First + 16) },
        { "bad-helper", p => (p.Entries[0].Helper, p.Entries[0].Action) = ("ftp", Contracts.Agent.Action.Deny) },
        { "bad-helper", p => (p.Entries[0].Helper, p.Entries[0].Stateless) = ("ftp", true) },
        { "bad-name", p => p.PeerSets[0].Name = "a b" },
        { "bad-name", p => p.PeerSets.Add(p.PeerSets[0].Clone()) },
        { "bad-digest", p => p.PeerSets[0].Digest++ },
        { "bad-digest", p => p.PeerSets[0].Members.RemoveAt(1) },
        { "bad-prefix", p => p.PeerSets[0].Members[0].Length = 4 },
        { "bad-prefix", p => p.PeerSets[0].Members[0].Length = uint.MaxValue },
        { "bad-prefix", p => p.PeerSets[0].Members[0].Address = ByteString.CopyFrom(1, 2, 3) },
        { "not-canonical", p => p.PeerSets[0].Members.Add(p.PeerSets[0].Members[0]) },
        { "bad-controller", p => p.Controllers.Add(new ControllerEndpoint { Address = ByteString.CopyFrom(10, 0, 0, 1), Port = 70_000 }) },
    };

    [Theory]
    [MemberData(nameof(Damage))]
    public void Damage_refuses_the_whole_policy(string code, System.Action<HostPolicy> damage)
    {
        var wire = Sample();
        damage(wire);

        var decoded = PolicyDecoder.Decode(wire);

        Assert.Null(decoded.Value);
        Assert.Contains(decoded.Diagnostics, d => d.Code == code);
    }

    [Fact]
    public void All_problems_are_told_at_once()
    {
        var wire = Sample();
        wire.Inbound = Mode.Unspecified;
        wire.Entries[0].Rule = -1;
        Assert.Equal(["bad-mode", "bad-rule"], PolicyDecoder.Decode(wire).Diagnostics.Select(d => d.Code).Order());
    }

    [Fact]
    public void A_field_that_is_not_known_refuses_the_policy_at_every_depth()
    {
        // Field 99, a varint: what a later version might send.
        byte[] unknown = [0x98, 0x06, 0x01];
        foreach (var extend in new Func<HostPolicy, HostPolicy>[]
        {
            p => Parse<HostPolicy>(p, unknown),
            p => With(p, q => q.Entries[0] = Parse<HostEntry>(q.Entries[0], unknown)),
            p => With(p, q => q.PeerSets[0].Members[0] = Parse<Prefix>(q.PeerSets[0].Members[0], unknown)),
            p => With(p, q => q.Generation = Parse<Generation>(q.Generation, unknown)),
        })
        {
            Assert.Equal("unknown-field", Assert.Single(PolicyDecoder.Decode(extend(Sample())).Diagnostics).Code);
        }
    }

    [Theory]
    [InlineData(17)]
    [InlineData(4077)]
    public void No_bytes_do_more_than_be_refused(int seed)
    {
        var random = new Random(seed);
        var good = Sample().ToByteArray();
        for (var i = 0; i < 3000; i++)
        {
            var bytes = i % 2 == 0 ? new byte[random.Next(64)] : (byte[])good.Clone();
            if (i % 2 == 0)
            {
                random.NextBytes(bytes);
            }
            else
            {
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                Array.Resize(ref bytes, random.Next(bytes.Length + 1));
            }

            try
            {
                _ = PolicyDecoder.Decode(HostPolicy.Parser.ParseFrom(bytes));
            }
            catch (InvalidProtocolBufferException)
            {
                // What the channel turns into a refusal.
            }
        }
    }

    private static HostPolicy Sample() =>
        WirePolicies.Policy(7, inbound: Mode.Full).Allowing(3, Contracts.Agent.Direction.Inbound, "web", 443, "10.0.0.0/24", "fd00::1");

    private static HostPolicy With(HostPolicy policy, System.Action<HostPolicy> change)
    {
        change(policy);
        return policy;
    }

    private static T Parse<T>(T message, byte[] more)
        where T : IMessage<T>, new()
    {
        var result = new T();
        result.MergeFrom([.. message.ToByteArray(), .. more]);
        return result;
    }
}
