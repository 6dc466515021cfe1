using Bulkhead.Enforcement.Connections;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using FsCheck;
using FsCheck.Fluent;
using Outcome = Bulkhead.Policy.Evaluate.Outcome;

namespace Bulkhead.Enforcement.Tests;

/// <summary>What is left out because only members of peer sets changed would have changed nothing.</summary>
public class RenewalTests
{
    [Fact]
    public void A_renewed_document_is_the_rendered_one()
    {
        var renewed = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(Arb.From(Changes), change =>
        {
            var (before, after) = change;
            if (FirewallRenderer.Renew(FirewallRenderer.Render(before, NameLookups.None), before, after) is { } document)
            {
                renewed++;
                Assert.Equal(FirewallRenderer.Render(after, NameLookups.None), document);
            }
        }));
        Assert.InRange(renewed, 50, 950);
    }

    [Fact]
    public void A_change_that_ends_nothing_blocks_nothing_that_was_not_blocked()
    {
        var harmless = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(Arb.From(Changes), change =>
        {
            if (LiveConnections.CanEnd(change.Before, change.After))
            {
                return;
            }

            harmless++;
            var (before, after) = (new HostEvaluator(change.Before), new HostEvaluator(change.After));
            foreach (var (direction, peer) in Enum.GetValues<Direction>().SelectMany(_ => Policies.Peers, (d, p) => (d, p)))
            {
                foreach (var (protocol, port) in Policies.Probes)
                {
                    var local = peer.IsV6 ? Policies.LocalV6 : Policies.LocalV4;
                    Assert.False(
                        after.Decide(direction, local, peer, protocol, port, SocketFacts.Unidentified).Outcome == Outcome.Block
                        && before.Decide(direction, local, peer, protocol, port, SocketFacts.Unidentified).Outcome != Outcome.Block,
                        $"{direction} {peer} {protocol}/{port}");
                    // Where nothing is enforced the kernel takes up connections wherever they are.
                    Assert.True(change.After.Modes == default || before.IsUntracked(direction, peer, protocol, port, 40000) == after.IsUntracked(direction, peer, protocol, port, 40000));
                }
            }
        }));
        Assert.InRange(harmless, 50, 950);
    }

    [Fact]
    public void Other_rules_are_rendered_anew()
    {
        var policy = Policies.Make(new(EnforcementMode.Full, default), [Policies.Entry(Direction.Inbound, RuleAction.Allow, 1, 0, Bulkhead.Policy.Services.PortMatch.Tcp(443))], Policies.Hosts("10.0.0.2"));
        var other = policy with { Entries = policy.Entries.Select(entry => entry with { Rule = new(2) }).ToEquatableArray() };
        Assert.Null(FirewallRenderer.Renew(FirewallRenderer.Render(policy, NameLookups.None), policy, other));
        Assert.True(LiveConnections.CanEnd(policy, other));
    }

    /// <summary>Another policy, or the same one with the members of some sets taken from another.</summary>
    private static Gen<(HostPolicy Before, HostPolicy After)> Changes =>
        from before in Policies.Any
        from other in Policies.Any
        from mixed in Gen.Choose(0, 31)
        select (before, mixed == 0 ? other : before with
        {
            Generation = new(1, 2),
            PeerSets = before.PeerSets.Select((set, i) => (mixed & (1 << i)) != 0 ? other.PeerSets[i] : set).ToEquatableArray(),
        });
}
