using Bulkhead.Enforcement.Documents;
using Bulkhead.Enforcement.Plan;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using FsCheck;
using FsCheck.Fluent;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Enforcement.Tests;

public class PlanTests
{
    [Fact]
    public void Applying_the_difference_gives_what_is_desired() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(Arb.From(Documents), Arb.From(Documents), (a, b) =>
        {
            var table = new SimulatedTable();
            table.Apply(FirewallPlan.Diff(null, a));
            Assert.Equal(a, table.Document);
            table.Apply(FirewallPlan.Diff(a, b));
            Assert.Equal(b, table.Document);
            table.Apply(FirewallPlan.Diff(b, a));
            Assert.Equal(a, table.Document);
        }));

    [Fact]
    public void Nothing_is_planned_for_what_is_there() =>
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(Arb.From(Documents), a =>
        {
            Assert.True(FirewallPlan.Diff(a, a).IsEmpty);
            Assert.Equal("", FirewallPlan.Diff(a, a).Script);
        }));

    [Fact]
    public void Equal_policies_give_equal_bytes_in_whatever_order_they_were_said() =>
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll(Arb.From(Policies.Any), policy =>
        {
            var reversed = policy with { PeerSets = policy.PeerSets.Reverse().ToEquatableArray() };
            Assert.Equal(
                NftScript.Replace(FirewallRenderer.Render(policy, NameLookups.None)),
                NftScript.Replace(FirewallRenderer.Render(reversed, NameLookups.None)));
        }));

    [Fact]
    public void A_workload_that_joins_a_set_costs_one_element()
    {
        var (before, after) = (Web("10.0.0.2", "10.0.0.3"), Web("10.0.0.2", "10.0.0.3", "10.0.0.4"));
        Assert.Equal("add element inet bulkhead peers_s0_v4 { 10.0.0.4 }\n", FirewallPlan.Diff(before, after).Script);
        Assert.Equal("delete element inet bulkhead peers_s0_v4 { 10.0.0.4 }\n", FirewallPlan.Diff(after, before).Script);
    }

    [Fact]
    public void What_is_not_known_is_replaced_in_one_transaction() =>
        Assert.StartsWith("add table inet bulkhead\ndelete table inet bulkhead\ntable inet bulkhead {\n", FirewallPlan.Diff(null, Web("10.0.0.2")).Script, StringComparison.Ordinal);

    private static Gen<FirewallDocument> Documents => Policies.Any.Select(p => FirewallRenderer.Render(p, NameLookups.None));

    private static FirewallDocument Web(params string[] hosts) => FirewallRenderer.Render(
        Make(new(EnforcementMode.Full, default), [Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(443))], Hosts(hosts)), NameLookups.None);
}

/// <summary>A table that takes plans and, like the kernel, refuses what refers to nothing or deletes what is in use.</summary>
internal sealed class SimulatedTable
{
    private SortedDictionary<string, AddressSet> _sets = new(StringComparer.Ordinal);
    private SortedDictionary<string, FirewallChain> _chains = new(StringComparer.Ordinal);
    private SortedDictionary<string, HelperObject> _helpers = new(StringComparer.Ordinal);

    public FirewallDocument Document => new(_sets.Values.ToEquatableArray(), _chains.Values.ToEquatableArray()) { Helpers = _helpers.Values.ToEquatableArray() };

    public void Apply(FirewallPlan plan)
    {
        foreach (var step in plan.Steps)
        {
            Apply(step);
            Assert.All(_chains.Values.SelectMany(c => c.Rules).SelectMany(Named), name => Assert.True(_chains.ContainsKey(name) || _sets.ContainsKey(name) || _helpers.ContainsKey(name), $"{step} leaves {name} undefined"));
        }
    }

    private void Apply(PlanStep step)
    {
        switch (step)
        {
            case PlanStep.ReplaceTable replace:
                _sets = new(replace.Document.Sets.ToDictionary(s => s.Name), StringComparer.Ordinal);
                _chains = new(replace.Document.Chains.ToDictionary(c => c.Name), StringComparer.Ordinal);
                _helpers = new(replace.Document.Helpers.ToDictionary(h => h.Name), StringComparer.Ordinal);
                break;
            case PlanStep.AddSet add:
                _sets.Add(add.Set.Name, add.Set);
                break;
            case PlanStep.AddElements add:
                Assert.Empty(_sets[add.Set].Elements.Intersect(add.Elements));
                Change(add.Set, elements => elements.Concat(add.Elements));
                break;
            case PlanStep.DeleteElements delete:
                Assert.Empty(delete.Elements.Except(_sets[delete.Set].Elements));
                Change(delete.Set, elements => elements.Except(delete.Elements));
                break;
            case PlanStep.AddChain add:
                _chains.Add(add.Chain, new(add.Chain, null, []));
                break;
            case PlanStep.SetRules set:
                _chains[set.Chain] = _chains[set.Chain] with { Rules = set.Rules };
                break;
            case PlanStep.DeleteChain delete:
                Assert.Empty(_chains[delete.Chain].Rules);
                _chains.Remove(delete.Chain);
                break;
            case PlanStep.DeleteSet delete:
                Assert.True(_sets.Remove(delete.Set));
                break;
            case PlanStep.AddHelper add:
                _helpers.Add(add.Helper.Name, add.Helper);
                break;
            case PlanStep.DeleteHelper delete:
                Assert.True(_helpers.Remove(delete.Helper));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(step));
        }
    }

    private void Change(string set, Func<IEnumerable<IpPrefix>, IEnumerable<IpPrefix>> change) =>
        _sets[set] = _sets[set] with { Elements = PrefixList.Of(change(_sets[set].Elements).Order()) };

    private static IEnumerable<string> Named(FirewallRule rule) => rule switch
    {
        FirewallRule.When line => [.. line.Matches.OfType<Match.InSet>().Select(m => m.Set), .. Named(line.Verdict)],
        FirewallRule.Help help => [help.Helper],
        FirewallRule.Dispatch dispatch => dispatch.Cases.SelectMany(c => Named(c.Verdict)),
        _ => [],
    };

    private static IEnumerable<string> Named(Verdict verdict) => verdict switch
    {
        Verdict.Jump jump => [jump.Chain],
        Verdict.Goto go => [go.Chain],
        _ => [],
    };
}
