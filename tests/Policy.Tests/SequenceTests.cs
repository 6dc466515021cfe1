using System.Globalization;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Tests.Naive;
using Xunit.Abstractions;

namespace Bulkhead.Policy.Tests;

/// <summary>Sequences of changes: what an incremental step gives is in every respect what a compile from scratch gives, whatever the way there.</summary>
public class SequenceTests(ITestOutputHelper output)
{
    private const int ChangesPerSequence = 6;

    private readonly Dictionary<string, int> _changes = [];
    private int _steps;
    private int _deltas;
    private int _verdicts;

    [Fact]
    public void Whatever_the_way_to_a_state_it_compiles_to_the_same()
    {
        Estates.Check(100, (estate, random) =>
        {
            foreach (var (name, walk) in Walks.Through(States(estate, random), random))
            {
                var (before, compiled) = (walk[0], walk[0].Compile());
                foreach (var (i, step) in walk.Index().Skip(1))
                {
                    compiled = Advance(compiled, before, step, new(1, (ulong)i), $"{name}, step {i}: from {before}\nto {step}");
                    before = step;
                    if (name == "forward")
                    {
                        Judge(compiled, step, random);
                    }
                }
            }
        });
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{_steps} steps, {_deltas} deltas of hosts, {_verdicts} verdicts compared; {string.Join(", ", _changes.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Value} {c.Key}"))}"));
        Assert.True(_steps > 5_000 && _deltas > 5_000 && _verdicts > 5_000 && _changes.GetValueOrDefault("nothing") * 5 < _changes.Values.Sum(), $"{_steps} steps, {_deltas} deltas");
    }

    [Fact]
    public void A_delta_that_does_not_fit_is_refused_whole()
    {
        var host = new World().Host("a", "role=web").Host("b", "role=db").Ruleset("r", "all", Write.Allow("role=web", "role=db", "tcp/1")).HostPolicy("b");
        var (entry, set) = (host.Entries[0], host.PeerSets[0]);
        var nothing = new HostDelta(null, [], [], [], [], []);
        Assert.NotNull(nothing.ApplyTo(host, new(1, 2)));
        Assert.Null((nothing with { ChangedSets = [new("another", 0, [], [])] }).ApplyTo(host, new(1, 2)));
        Assert.Null((nothing with { ChangedSets = [new(set.Name, set.Digest + 1, [], [])] }).ApplyTo(host, new(1, 2)));
        Assert.Null((nothing with { ChangedSets = [new(set.Name, set.Digest, set.Members, [])] }).ApplyTo(host, new(1, 2)));
        Assert.Null((nothing with { DroppedSets = ["another"] }).ApplyTo(host, new(1, 2)));
        Assert.Null((nothing with { DroppedSets = [set.Name] }).ApplyTo(host, new(1, 2)));
        Assert.Null((nothing with { NewSets = [set] }).ApplyTo(host, new(1, 2)));
        Assert.Null((nothing with { AddedEntries = [entry] }).ApplyTo(host, new(1, 2)));
        Assert.Null((nothing with { RemovedEntries = [entry with { Rule = new(9) }] }).ApplyTo(host, new(1, 2)));
    }

    private List<Estate> States(Estate first, Random random)
    {
        var states = new List<Estate> { first };
        for (var i = 0; i < ChangesPerSequence; i++)
        {
            var (name, after) = RandomChanges.Make(random, states[^1]);
            _changes[name] = _changes.GetValueOrDefault(name) + 1;
            states.Add(after);
        }

        return states;
    }

    private CompiledPolicy Advance(CompiledPolicy compiled, Estate before, Estate after, Generation generation, string where)
    {
        var settings = after.Settings with { Generation = generation };
        var scratch = PolicyCompiler.Compile(after.Parse(), new(after.Workloads), settings);
        // Rulesets that nobody touched are the same objects, as after an edit of a large policy.
        var parsed = PolicyParser.Parse(after.Document, Estate.Keys, new(before.Document, Estate.Keys, compiled.Policy)).Value!;
        var step = compiled.Advance(parsed, Index(compiled.Workloads, before, after), settings);
        Same(HostText.Of(scratch), HostText.Of(step.After), where);
        Assert.True(scratch.Digest() == step.After.Digest(), where);
        foreach (var (id, policy) in step.After.Hosts)
        {
            if (compiled.Hosts.TryGetValue(id, out var old))
            {
                var delta = step.Delta.For(id);
                Assert.True(delta is null == old.EnforcesSameAs(policy), $"{id} {(delta is null ? "is told nothing" : "is told something needless")}: {where}");
                Assert.True(delta is null || step.Delta.Hosts.Contains(id), $"{id} is not among the hosts: {where}");
                Same([HostText.Of(policy)], [delta is null ? HostText.Of(old with { Generation = generation }) : HostText.Of(delta.ApplyTo(old, generation)!)], where);
                _deltas += delta is null ? 0 : 1;
            }
            else
            {
                Assert.True(step.Delta.Hosts.Contains(id), $"{id} is new, and not among the hosts: {where}");
            }
        }

        _steps++;
        return step.After;
    }

    /// <summary>Changed words mean what they say: groups, networks and services that no random estate starts with.</summary>
    private void Judge(CompiledPolicy compiled, Estate estate, Random random)
    {
        var (engine, naive) = (new PolicyEvaluator(compiled), new NaiveEvaluator(estate));
        for (var i = 0; i < 20; i++)
        {
            var connection = RandomConnections.Make(random, estate);
            var (actual, expected) = (engine.Judge(connection), naive.Judge(connection));
            Assert.True(expected.Kind == actual.Kind, $"{connection}: {expected.Kind}, not {actual.Kind}\n{estate}");
            _verdicts++;
        }
    }

    private static WorkloadIndex Index(WorkloadIndex index, Estate before, Estate after)
    {
        var old = before.Workloads.ToDictionary(w => w.Id);
        return index.With(
            after.Workloads.Where(w => old.GetValueOrDefault(w.Id) != w),
            old.Keys.Except(after.Workloads.Select(w => w.Id)));
    }

    private static void Same(IReadOnlyList<string> expected, IReadOnlyList<string> actual, string where)
    {
        if (!expected.SequenceEqual(actual))
        {
            Assert.Fail($"{where}\nexpected\n{string.Join('\n', expected.Except(actual))}\nbut was\n{string.Join('\n', actual.Except(expected))}");
        }
    }
}
