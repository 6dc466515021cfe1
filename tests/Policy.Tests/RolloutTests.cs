using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Tests.Naive;
using Xunit.Abstractions;

namespace Bulkhead.Policy.Tests;

/// <summary>
/// A change of policy reaches many hosts, each at its own moment (design, section 2, <i>Changing many hosts</i>). In two phases, first old∧new
/// everywhere and only then new, no connection passes that neither policy allows, and none is refused that both allow.
/// </summary>
public class RolloutTests(ITestOutputHelper output)
{
    private enum Phase
    {
        Old,
        Both,
        New,
    }

    private int _moments;
    private int _differing;

    [Fact]
    public void In_two_phases_no_moment_is_more_open_or_more_closed_than_both_policies()
    {
        Estates.Check(80, (estate, random) =>
        {
            var hosts = Hosts(estate, random);
            foreach (var _ in Moments(hosts, random))
            {
                foreach (var (now, old, @new, what) in Judged(hosts, estate, random))
                {
                    Assert.True(!now || old || @new, $"passes, though neither policy allows it: {what}");
                    Assert.True(now || !old || !@new, $"is refused, though both policies allow it: {what}");
                }
            }
        });
        output.WriteLine($"{_moments} moments, {_differing} connections on which the policies differ");
        Assert.True(_moments > 300 && _differing > 500, $"{_moments} moments, {_differing} connections on which the policies differ");
    }

    /// <summary>The old policy refuses at the provider, the new one at the consumer: whoever goes straight from one to the other opens a gap.</summary>
    [Fact]
    public void In_one_phase_a_connection_passes_that_neither_policy_allows()
    {
        var old = new World().Host("web", "role=web").Host("db", "role=db").Modes("role=db", "full", "visibility");
        var @new = new World().Host("web", "role=web").Host("db", "role=db").Modes("role=web", "visibility", "full");
        var web = new Host(old.Workloads[0], old.HostPolicy("web"), @new.HostPolicy("web"));
        var db = new Host(old.Workloads[1], old.HostPolicy("db"), @new.HostPolicy("db"));
        var connection = old.Connect("web", "db", "tcp/80");
        (bool Now, bool Old, bool New) Judged() => (Passes([web, db], connection, h => h.Now), Passes([web, db], connection, h => [h.Old]), Passes([web, db], connection, h => [h.New]));

        db.Phase = Phase.New;
        Assert.Equal((true, false, false), Judged());
        db.Phase = Phase.Both;
        Assert.Equal((false, false, false), Judged());
        (web.Phase, db.Phase) = (Phase.Both, Phase.New);
        Assert.Equal((false, false, false), Judged());
    }

    /// <summary>The hosts that stay, with their policies before and after some changes that leave addresses where they are.</summary>
    private static List<Host> Hosts(Estate before, Random random)
    {
        var after = before;
        for (var i = 0; i < 6; i++)
        {
            var (_, next) = RandomChanges.Make(random, after);
            after = next with { Workloads = [.. next.Workloads.Where(w => before.Workloads.Any(b => b.Id == w.Id && b.Addresses == w.Addresses && b.Space == w.Space && b.Managed == w.Managed))] };
        }

        var (old, @new) = (before.Compile(), after.Compile());
        return [.. after.Workloads.Where(w => w.Managed).Select(w => new Host(w, old.Hosts[w.Id], @new.Hosts[w.Id]))];
    }

    /// <summary>Moves hosts on, one at a time in any order; none enters the second phase before all have entered the first.</summary>
    private IEnumerable<int> Moments(List<Host> hosts, Random random)
    {
        while (hosts.Where(h => h.Phase == Phase.Old || (h.Phase == Phase.Both && hosts.All(o => o.Phase != Phase.Old))).ToList() is { Count: > 0 } movable)
        {
            random.Pick(movable).Phase++;
            yield return _moments++;
        }
    }

    private IEnumerable<(bool Now, bool Old, bool New, string What)> Judged(List<Host> hosts, Estate estate, Random random)
    {
        for (var i = 0; i < 20; i++)
        {
            var connection = RandomConnections.Make(random, estate);
            var (old, @new) = (Passes(hosts, connection, h => [h.Old]), Passes(hosts, connection, h => [h.New]));
            _differing += old != @new ? 1 : 0;
            yield return (Passes(hosts, connection, h => h.Now), old, @new, $"{connection} while {string.Join(", ", hosts)}\n{estate}");
        }
    }

    private static bool Passes(IEnumerable<Host> hosts, Connection c, Func<Host, IReadOnlyList<HostEvaluator>> enforced) => hosts.All(host =>
        enforced(host).All(evaluator =>
            (!host.Is(c.Space, c.Source) || evaluator.Decide(Direction.Outbound, c.Source, c.Destination, c.Protocol, c.Port, c.Consumer).Outcome == Outcome.Allow)
            && (!host.Is(c.Space, c.Destination) || evaluator.Decide(Direction.Inbound, c.Destination, c.Source, c.Protocol, c.Port, c.Provider).Outcome == Outcome.Allow)));

    private sealed class Host(Workload workload, HostPolicy old, HostPolicy @new)
    {
        public HostEvaluator Old { get; } = new(old);

        public HostEvaluator New { get; } = new(@new);

        public Phase Phase { get; set; }

        /// <summary>What is enforced now; in the first phase both policies, of which each may refuse.</summary>
        public IReadOnlyList<HostEvaluator> Now => Phase switch { Phase.Old => [Old], Phase.New => [New], _ => [Old, New] };

        public bool Is(AddressSpace space, IpAddress address) => workload.Addresses.Contains(new(space, address));

        public override string ToString() => $"{workload.Name} {Phase}";
    }
}
