using Bulkhead.Agent.Policies;
using Bulkhead.Agent.State;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Rules;
using HostPolicy = Bulkhead.Contracts.Agent.HostPolicy;

namespace Bulkhead.Agent.Tests.Policies;

public sealed class PolicyCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StateDirectory _state;
    private readonly PolicyCache _cache;

    public PolicyCacheTests()
    {
        _state = _folder.State();
        _cache = new PolicyCache(_state);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Nothing_is_known_at_first() => Assert.False(Assert.IsType<CachedPolicy.None>(_cache.Load()).IsDamaged);

    [Fact]
    public void The_last_policy_is_found_again()
    {
        Apply(Full(1));
        Apply(Full(2));
        Assert.Equal("1.2", Whole());
    }

    [Theory]
    [InlineData("policy")]
    [InlineData("policy.copy")]
    public void One_torn_copy_does_not_matter(string file)
    {
        Apply(Full(1));
        Tear(file);
        Assert.Equal("1.1", Whole());
    }

    [Fact]
    public void A_policy_that_the_kernel_was_about_to_get_counts()
    {
        Apply(Full(1));
        _cache.BeforeApplying(Received(Full(2)));
        Assert.Equal("1.2", Whole());
    }

    [Fact]
    public void Without_a_whole_copy_the_marked_directions_are_shut()
    {
        var policy = WirePolicies.Policy(1, inbound: Mode.Selective);
        policy.FailSafe.Add(new FailSafeEntry { Sources = { WirePolicies.ToWire(WirePolicies.Parse("10.9.0.0/16")) }, Ports = { new PortMatch { Protocol = 6, First = 22, Last = 22 } } });
        Apply(policy);
        Tear("policy");
        Tear("policy.copy");

        var lost = Assert.IsType<CachedPolicy.Lost>(_cache.Load()).Marker;

        Assert.Equal(new Modes(EnforcementMode.Full, EnforcementMode.Visibility), lost.Modes);
        Assert.Empty(lost.Entries);
        Assert.Equal("10.9.0.0/16", Assert.Single(lost.FailSafe).Sources[0].ToString());
    }

    [Fact]
    public void A_damaged_marker_shuts_everything()
    {
        Apply(Full(1));
        Tear("policy");
        Tear("policy.copy");
        Tear("enforced");
        Assert.Equal(new Modes(EnforcementMode.Full, EnforcementMode.Full), Assert.IsType<CachedPolicy.Lost>(_cache.Load()).Marker.Modes);
    }

    [Fact]
    public void The_marker_is_there_before_the_kernel_blocks_and_goes_only_after_it_has_stopped_to()
    {
        _cache.BeforeApplying(Received(Full(1)));
        Assert.True(File.Exists(_state.Marker));
        _cache.AfterApplying(Received(Full(1)));

        var open = WirePolicies.Policy(2);
        _cache.BeforeApplying(Received(open));
        Assert.True(File.Exists(_state.Marker));
        _cache.AfterApplying(Received(open));
        Assert.False(File.Exists(_state.Marker));
    }

    [Fact]
    public void While_directions_change_both_are_marked()
    {
        Apply(WirePolicies.Policy(1, inbound: Mode.Full));
        _cache.BeforeApplying(Received(WirePolicies.Policy(2, outbound: Mode.Full)));
        Tear("policy");
        Tear("policy.copy");
        Assert.Equal(new Modes(EnforcementMode.Full, EnforcementMode.Full), Assert.IsType<CachedPolicy.Lost>(_cache.Load()).Marker.Modes);
    }

    [Fact]
    public void In_visibility_nothing_is_marked_so_that_damage_shuts_nobody_out()
    {
        Apply(WirePolicies.Policy(1));
        Tear("policy");
        Tear("policy.copy");
        Assert.True(Assert.IsType<CachedPolicy.None>(_cache.Load()).IsDamaged);
    }

    [Fact]
    public void A_write_that_was_cut_short_leaves_the_old_file()
    {
        Apply(Full(1));
        File.WriteAllText(_state.Policy + ".new", "half");
        Assert.Equal("1.1", Whole());
        Apply(Full(2));
        Assert.Equal("1.2", Whole());
    }

    [Fact]
    public void Only_the_owner_may_read_what_is_kept()
    {
        Apply(Full(1));
        Assert.All(Directory.GetFiles(_state.Root), file => Assert.Equal(DurableFile.Private, File.GetUnixFileMode(file)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_state.Root));
    }

    private static HostPolicy Full(ulong number) => WirePolicies.Policy(number, inbound: Mode.Full);

    private static ReceivedPolicy Received(HostPolicy wire) => ReceivedPolicy.Of(wire, PolicyDecoder.Decode(wire).Value!);

    private void Apply(HostPolicy policy)
    {
        _cache.BeforeApplying(Received(policy));
        _cache.AfterApplying(Received(policy));
    }

    private string Whole() => Assert.IsType<CachedPolicy.Whole>(_cache.Load()).Policy.Policy.Generation.ToString();

    private void Tear(string file)
    {
        var path = Path.Combine(_state.Root, file);
        var content = File.ReadAllBytes(path);
        File.WriteAllBytes(path, content[..(content.Length - 3)]);
    }
}
