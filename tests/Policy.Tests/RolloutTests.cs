using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Tests.Naive;
using Xunit.Abstractions;

namespace Bulkhead.Policy.Tests;

/// <summary>
/// A change of policy reaches many hosts, each at its own moment (design, section 2, <i>Changing many hosts</i>). In two phases, first old∧new
/// and then new, no connection passes at any moment that neither policy allows, and none is refused that both allow.
/// </summary>
public class RolloutTests(ITestOutputHelper output)
{
    private const int Interleavings = 4;

    [Fact]
    public void In_two_phases_no_moment_is_more_open_or_more_closed_than_both_policies()
    {
        var (moments, gaps) = (0, 0);
        Estates.Check(500, (estate, random) =>
        {
            var rollout = Rollout.Of(estate, random);
            for (var i = 0; i < Interleavings; i++)
            {
                foreach (var phases in rollout.Moments(random))
                {
                    rollout.Check(phases);
                    moments++;
                }
            }

            gaps += rollout.Gaps();
        });
        output.WriteLine($"{moments} moments; {gaps} connections would pass at some moment without the phases, that neither policy allows");
        Assert.True(moments > 4_000 && gaps >= 10, $"{moments} moments, {gaps} gaps");
    }

    /// <summary>The other end may be known under an address that is not its own.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_host_that_opens_waits_for_those_that_tighten_behind_a_translated_address(bool published)
    {
        World Hosts() => new World().Host("web", "role=web").Host("db", "role=db").InSpace("inner").Translated(published ? ["192.0.2.1 tcp/8080 80"] : [], published ? [] : ["192.0.2.1"])
            .Host("other", "role=other");
        var (from, to) = published ? ("role=web", "role=db") : ("role=db", "role=web");
        var old = Hosts().Modes("role=web", "full", "full");
        var @new = Hosts().Modes("role=web", "full", "full").Modes("role=db", "full", "full").Ruleset("r", "all", Write.Allow(from, to, "tcp/80"));
        var before = old.Compile();
        var transition = Transition.Of(before, before.Advance(@new.Parse(), before.Workloads, new(new(1, 2), World.Now, [Estate.Controller])));
        var (web, db) = (old.Workloads[0].Id, old.Workloads[1].Id);
        Assert.Equal([db], transition.WaitsFor(web));
        Assert.Equal((false, true, true), (transition.Hosts[web].Tightens, transition.Hosts[web].Opens, transition.Hosts[db].Tightens));
    }

    /// <summary>The old policy refuses at the provider, the new one at the consumer: whoever goes straight from one to the other opens a gap.</summary>
    [Fact]
    public void A_host_that_opens_waits_for_those_that_tighten_at_the_other_end()
    {
        World Hosts() => new World().Host("web", "role=web").Host("db", "role=db").Host("other", "role=other");
        var (old, @new) = (Hosts().Modes("role=db", "full", "visibility"), Hosts().Modes("role=web", "visibility", "full"));
        var before = old.Compile();
        var step = before.Advance(@new.Parse(), before.Workloads, new(new(1, 2), World.Now, [Estate.Controller]));
        var (web, db, other) = (old.Workloads[0].Id, old.Workloads[1].Id, old.Workloads[2].Id);
        var transition = Transition.Of(before, step);
        Assert.Contains(web, transition.WaitsFor(db));
        Assert.DoesNotContain(db, transition.WaitsFor(web));
        Assert.DoesNotContain(other, transition.WaitsFor(db));
        Assert.Equal((true, false), (transition.Hosts[web].Tightens, transition.Hosts[web].Opens));
        Assert.Equal((false, true), (transition.Hosts[db].Tightens, transition.Hosts[db].Opens));
    }
}
