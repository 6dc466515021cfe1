using Bulkhead.Enforcement.Render;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using FsCheck;
using FsCheck.Fluent;
using Outcome = Bulkhead.Policy.Evaluate.Outcome;
using static Bulkhead.Enforcement.Tests.Policies;

namespace Bulkhead.Enforcement.Tests;

/// <summary>Conditions on the systemd unit of the host's own socket.</summary>
public class UnitConditionTests
{
    private static readonly string[] _units = ["web.service", "db.service", "user.service", "gone.service"];

    // Units within units, twice the same name, plain folders in between: the last one on the way decides.
    private static readonly HostCgroups _cgroups = Cgroups(
        "bulkhead/host", "web.service", "web.service/workers", "system.slice", "system.slice/db.service", "user.service", "user.service/app.slice",
        "user.service/app.slice/web.service", "user.service/app.slice/web.service/db.service", "user.service/app.slice/web.service/db.service/web.service");

    [Fact]
    public void The_document_decides_by_unit_as_the_evaluator_does() => ForAnyPolicy((policy, packet, decide, run) =>
    {
        foreach (var cgroup in _cgroups.Below)
        {
            var decision = decide(SocketFacts.Of(null, cgroup.Unit.Length == 0 ? null : cgroup.Unit, []));
            var fate = run(packet with { Cgroup = cgroup.Name.Path });
            Assert.True(fate.Passes == (decision.Outcome == Outcome.Allow) && fate.Report?.Rule == (fate.Passes ? null : decision.Rule), $"{cgroup.Name.Path}: {decision} but {fate}");
        }
    });

    [Fact]
    public void Sockets_outside_of_the_hosts_part_of_the_tree_are_of_no_unit_and_packets_without_one_are_unidentified() => ForAnyPolicy((policy, packet, decide, run) =>
    {
        foreach (var cgroup in (string[])["", "bulkhead", "elsewhere/web.service", "bulkhead/other/web.service"])
        {
            Assert.Equal(decide(SocketFacts.Of(null, null, [])).Outcome == Outcome.Allow, run(packet with { Cgroup = cgroup }).Passes);
        }

        Assert.Equal(decide(SocketFacts.Unidentified).Outcome == Outcome.Allow, run(packet with { Cgroup = null }).Passes);
    });

    [Fact]
    public void A_cgroup_that_was_not_there_yet_passes_only_where_every_unit_does_and_is_never_refused_for_its_unit() => ForAnyPolicy((policy, packet, decide, run) =>
    {
        foreach (var cgroup in (string[])["bulkhead/host/gone.service", "bulkhead/host/web.service/new", "bulkhead/host/user.service/app.slice/x.scope/y", "bulkhead/host/system.slice/db.service/1/2/3/4/5"])
        {
            var outcomes = _units.Append(null).Select(unit => decide(SocketFacts.Of(null, unit, [])).Outcome).ToHashSet();
            var fate = run(packet with { Cgroup = cgroup });
            Assert.True(!fate.Passes || outcomes.SetEquals([Outcome.Allow]), $"{cgroup} passes");
            Assert.True(fate.Passes || fate.Report is not null || fate.Verdict is Documents.Verdict.Drop, $"{cgroup}: {fate}");
        }
    });

    [Fact]
    public void A_unit_that_was_started_again_changes_the_document_though_its_path_is_the_same()
    {
        var policy = Make(new(EnforcementMode.Full, default), [Entry(Direction.Inbound, RuleAction.Allow, 1, 0, PortMatch.Tcp(80)) with { Process = new(null, "db.service") }], Hosts("10.0.0.2"));
        var again = _cgroups with { Below = _cgroups.Below.Select(c => c.Unit == "db.service" ? c with { Name = c.Name with { Id = c.Name.Id + 100 } } : c).ToEquatableArray() };
        Assert.NotEqual(FirewallRenderer.Render(policy, NameLookups.None, new(_cgroups, null)), FirewallRenderer.Render(policy, NameLookups.None, new(again, null)));
        Assert.Equal(FirewallRenderer.Render(policy, NameLookups.None, new(_cgroups, null)), FirewallRenderer.Render(policy, NameLookups.None, new(_cgroups with { }, null)));
    }

    [Fact]
    public void Where_nothing_is_enforced_nothing_is_dropped_whatever_rules_ask_for()
    {
        var helped = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(Arb.From(WithUnits), any =>
        {
            var policy = any with { Modes = new(EnforcementMode.Visibility, any.Modes.Outbound), Quarantined = false, QuarantinedPeers = [] };
            var chains = FirewallRenderer.Render(policy, NameLookups.None, new(_cgroups, null)).Chains.ToDictionary(chain => chain.Name, StringComparer.Ordinal);
            var (reached, open) = (new HashSet<string>(StringComparer.Ordinal), new Queue<string>(["input"]));
            while (open.TryDequeue(out var name))
            {
                if (!reached.Add(name))
                {
                    continue;
                }

                foreach (var verdict in chains[name].Rules.SelectMany(VerdictsOf))
                {
                    Assert.False(verdict is Documents.Verdict.Drop or Documents.Verdict.Reset or Documents.Verdict.Prohibit, $"{name}: {verdict}");
                    if (verdict is Documents.Verdict.Jump { Chain: var to })
                    {
                        open.Enqueue(to);
                    }
                    else if (verdict is Documents.Verdict.Goto { Chain: var next })
                    {
                        open.Enqueue(next);
                    }
                }

                Assert.DoesNotContain(chains[name].Rules, rule => rule is Documents.FirewallRule.Help);
            }

            helped += policy.Entries.Any(e => e is { Direction: Direction.Inbound, Helper: not null }) ? 1 : 0;
        }));
        Assert.NotEqual(0, helped);
    }

    private static IEnumerable<Documents.Verdict> VerdictsOf(Documents.FirewallRule rule) => rule switch
    {
        Documents.FirewallRule.When line => [line.Verdict],
        Documents.FirewallRule.Dispatch dispatch => dispatch.Cases.Select(c => c.Verdict),
        _ => [],
    };

    private static void ForAnyPolicy(Action<HostPolicy, Packet, Func<SocketFacts, EndDecision>, Func<Packet, Fate>> check) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(150), Prop.ForAll(Arb.From(WithUnits), policy =>
        {
            var interpreter = new Interpreter(FirewallRenderer.Render(policy, NameLookups.None, new(_cgroups, null)));
            var evaluator = new HostEvaluator(policy);
            foreach (var direction in Enum.GetValues<Direction>())
            {
                foreach (var peer in (IpAddress[])[Peers[0], Peers[2], Peers[4]])
                {
                    var local = peer.IsV6 ? LocalV6 : LocalV4;
                    foreach (var (protocol, port) in ((byte, ushort)[])[(6, 80), (6, 443), (17, 53)])
                    {
                        var packet = direction == Direction.Inbound ? new Packet(direction, peer, local, protocol, port) : new Packet(direction, local, peer, protocol, port);
                        check(policy, packet, facts => evaluator.Decide(direction, local, peer, protocol, port, facts), interpreter.Run);
                    }
                }
            }
        }));

    private static Gen<HostPolicy> WithUnits =>
        from policy in Policies.Any
        from units in Gen.ArrayOf(Gen.Elements([null, null, .. _units]), policy.Entries.Count)
        from unidentified in Gen.ArrayOf(Gen.Elements(true, false), policy.Entries.Count)
        select policy with
        {
            Entries = policy.Entries
                .Select((entry, i) => units[i] is { } unit ? entry with { Process = new(null, unit), UnidentifiedMatches = unidentified[i] && entry.Action != RuleAction.Allow } : entry)
                .ToEquatableArray(),
        };

    private static HostCgroups Cgroups(string root, params string[] below) => new(
        new(2, new(root, 7), ""),
        below.Select((path, i) => new HostCgroup(
            2 + path.Split('/').Length, new($"{root}/{path}", (ulong)(10 + i)), path.Split('/').LastOrDefault(part => part.EndsWith(".service", StringComparison.Ordinal)) ?? ""))
            .OrderBy(c => c.Level).ThenBy(c => c.Name).ToEquatableArray());
}
