using Bulkhead.Agent.Policies;
using Bulkhead.Agent.State;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Compile;
using Google.Protobuf;
using PeerSetChange = Bulkhead.Contracts.Agent.PeerSetChange;
using PolicyDelta = Bulkhead.Contracts.Agent.PolicyDelta;

namespace Bulkhead.Agent.Tests.Policies;

/// <summary>Changes of members, as they come and as they are kept.</summary>
public sealed class DeltaTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StateDirectory _state;
    private readonly PolicyCache _cache;

    public DeltaTests()
    {
        _state = _folder.State();
        _cache = new PolicyCache(_state);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_delta_gives_the_policy_that_would_have_come_whole()
    {
        var changed = Base(1, "10.0.0.1", "10.1.0.0/16", "fd00::1").With(Delta(1, 2, ["10.0.0.2", "fd01::/16"], ["10.0.0.1"], "10.0.0.2", "10.1.0.0/16", "fd00::1", "fd01::/16"))!;
        Assert.Equal(Base(2, "10.0.0.2", "10.1.0.0/16", "fd00::1", "fd01::/16").Policy, changed.Policy);
        Assert.Equal(PeerSetDigest.Of(changed.Policy.PeerSets[0].Members), changed.Policy.PeerSets[0].Digest);
    }

    public static TheoryData<string, System.Action<PolicyDelta>> Misfits => new()
    {
        { "another generation", delta => delta.From.Number = 7 },
        { "no generation", delta => delta.From = null },
        { "no new generation", delta => delta.To = null },
        { "an older generation", delta => delta.To.Number = 1 },
        { "another epoch", delta => delta.To.Epoch = 2 },
        { "an unknown set", delta => delta.PeerSets[0].Name = "s9" },
        { "another digest", delta => delta.PeerSets[0].Digest++ },
        { "a member that is there", delta => delta.PeerSets[0].Added.Add(Wire("10.0.0.3")) },
        { "a member that is not there", delta => delta.PeerSets[0].Removed.Add(Wire("10.0.0.9")) },
        { "a member that overlaps", delta => delta.PeerSets[0].Added.Add(Wire("10.0.0.0/24")) },
        { "a member with host bits", delta => delta.PeerSets[0].Added.Add(new Prefix { Address = ByteString.CopyFrom(10, 9, 9, 9), Length = 8 }) },
        { "an unknown field", delta => delta.MergeFrom(new byte[] { 0x98, 0x06, 0x01 }) },
        { "an unknown field of a change", delta => delta.PeerSets[0].MergeFrom(new byte[] { 0x98, 0x06, 0x01 }) },
    };

    [Theory]
    [MemberData(nameof(Misfits))]
    public void What_does_not_fit_to_the_letter_is_not_applied(string what, System.Action<PolicyDelta> spoil)
    {
        var (policy, delta) = (Base(1, "10.0.0.1", "10.0.0.3"), Delta(1, 2, ["10.0.0.2"], [], "10.0.0.1", "10.0.0.2", "10.0.0.3"));
        Assert.NotNull(policy.With(delta));
        spoil(delta);
        Assert.True(policy.With(delta) is null, what);
    }

    [Fact]
    public void What_was_kept_piece_by_piece_is_found_again_and_written_at_the_cost_of_the_piece()
    {
        var policy = Base(1, "10.0.0.1");
        Keep(policy);
        var whole = File.GetLastWriteTimeUtc(_state.Policy);
        for (ulong i = 1; i < 20; i++)
        {
            Keep(policy = Next(policy, i));
        }

        Assert.Equal(policy.Policy, Loaded());
        Assert.Equal(whole, File.GetLastWriteTimeUtc(_state.Policy));
        Keep(Base(50, "10.0.0.7"));
        Assert.False(File.Exists(_state.Policy + ".changes"));
        Assert.Equal("1.50", Loaded().Generation.ToString());
    }

    [Fact]
    public void A_fresh_agent_goes_on_from_what_was_kept()
    {
        var policy = Next(Base(1, "10.0.0.1"), 1);
        Keep(policy);
        var found = Assert.IsType<CachedPolicy.Whole>(new PolicyCache(_state).Load()).Policy;
        var next = Next(found, 2);
        var fresh = new PolicyCache(_state);
        fresh.BeforeApplying(next);
        Assert.Equal(next.Policy, Loaded());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    public void A_torn_piece_leaves_the_pieces_before_it_and_the_other_copy_has_it(int lost)
    {
        var policy = Next(Next(Base(1, "10.0.0.1"), 1), 2);
        Keep(policy);
        Tear(_state.Policy + ".changes", lost);
        Assert.Equal("1.3", Loaded().Generation.ToString());
        Tear(_state.PolicyCopy + ".changes", lost);
        Assert.Equal("1.2", Loaded().Generation.ToString());
    }

    [Fact]
    public void Pieces_of_an_older_policy_are_passed_over()
    {
        Keep(Next(Base(1, "10.0.0.1"), 1));
        var stale = File.ReadAllBytes(_state.Policy + ".changes");
        Keep(Base(9, "10.0.0.9"));
        File.WriteAllBytes(_state.Policy + ".changes", stale);
        Assert.Equal("1.9", Loaded().Generation.ToString());
    }

    [Fact]
    public void A_piece_that_could_not_be_written_is_made_up_for_by_the_next_one()
    {
        var policy = Base(1, "10.0.0.1");
        Keep(policy);
        Directory.CreateDirectory(_state.Policy + ".changes");
        var second = Next(policy, 1);
        Assert.ThrowsAny<Exception>(() => _cache.BeforeApplying(second));
        Directory.Delete(_state.Policy + ".changes");

        _cache.BeforeApplying(Next(second, 2));

        Assert.Equal("1.3", Loaded().Generation.ToString());
    }

    [Fact]
    public void Clearing_takes_the_pieces_too()
    {
        Keep(Next(Base(1, "10.0.0.1"), 1));
        _cache.Clear();
        Assert.Empty(Directory.GetFiles(_state.Root));
    }

    private Bulkhead.Policy.Compile.HostPolicy Loaded() => Assert.IsType<CachedPolicy.Whole>(new PolicyCache(_state).Load()).Policy.Policy;

    private void Keep(ReceivedPolicy policy)
    {
        _cache.BeforeApplying(policy);
        _cache.AfterApplying(policy);
    }

    private static void Tear(string path, int bytes) => File.WriteAllBytes(path, File.ReadAllBytes(path)[..^bytes]);

    private static ReceivedPolicy Base(ulong number, params string[] members)
    {
        var wire = WirePolicies.Policy(number, inbound: Mode.Full).Allowing(1, Direction.Inbound, "s0", 80, members);
        return ReceivedPolicy.Of(wire, PolicyDecoder.Decode(wire).Value!);
    }

    /// <summary>Adds a member to a policy of a number.</summary>
    private static ReceivedPolicy Next(ReceivedPolicy policy, ulong number)
    {
        var one = $"10.1.0.{number}";
        return policy.With(Delta(number, number + 1, [one], [], [.. policy.Policy.PeerSets[0].Members.Select(member => member.ToString()), one]))!;
    }

    private static PolicyDelta Delta(ulong from, ulong to, string[] added, string[] removed, params string[] members) => new()
    {
        From = new() { Epoch = 1, Number = from },
        To = new() { Epoch = 1, Number = to },
        PeerSets =
        {
            new PeerSetChange
            {
                Name = "s0",
                Digest = PeerSetDigest.Of(members.Select(WirePolicies.Parse)),
                Added = { added.Select(Wire) },
                Removed = { removed.Select(Wire) },
            },
        },
    };

    private static Prefix Wire(string text) => WirePolicies.ToWire(WirePolicies.Parse(text));
}
