using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Assertions;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Policy.Tests;

/// <summary>Every assertion's result, on random policies, against every connection between every two workloads of a small label space.</summary>
public class AssertionsPropertyTests
{
    [Theory]
    [InlineData(0, 60, false, false, false)]
    [InlineData(1000, 40, true, false, false)]
    [InlineData(2000, 45, true, true, false)]
    [InlineData(3000, 30, false, false, true)]
    [InlineData(4000, 16, true, false, true)]
    public void Results_are_those_of_every_single_connection(int firstSeed, int seeds, bool networks, bool live, bool wider)
    {
        var tally = new Dictionary<AssertionStatus, int>();
        for (var seed = firstSeed; seed < firstSeed + seeds; seed++)
        {
            var policy = wider ? AssertionsWider.Policy(new Random(seed), networks) : AssertionsRandom.Policy(new Random(seed), networks);
            var reference = new LetterReference(policy);
            IReadOnlyList<Workload> workloads = live ? RandomWorkloads(new Random(seed)) : [];
            foreach (var result in AssertionChecker.Check(policy, World.Now, new(workloads)))
            {
                var expected = Expected(reference, result.Assertion, networks, wider, workloads);
                Assert.True(expected == result.Status, $"seed {seed}, {result.Assertion.Name}: expected {expected}, was {result.Status}: {result.Message}");
                tally[expected] = tally.GetValueOrDefault(expected) + 1;
                if (result.Counterexample is { Consumer.Live: null, Provider.Live: null } found)
                {
                    Confirm(policy, reference, result, found, $"seed {seed}, {result.Assertion.Name}: {result.Message}");
                }
            }
        }

        Assert.True(tally[AssertionStatus.Held] > (wider ? 10 : 30) && tally[AssertionStatus.Violated] > (wider ? 20 : 60), string.Join(", ", tally));
        Assert.True(!networks || tally[AssertionStatus.Conditional] > 3, string.Join(", ", tally));
    }

    /// <summary>The evaluator that hosts are judged by says the same, and with one label less the counterexample would be none.</summary>
    private static void Confirm(PolicyModel policy, LetterReference reference, AssertionResult result, Counterexample found, string context)
    {
        var compiled = PolicyCompiler.Compile(policy, new(found.ToWorkloads()), new(new(1, 1), World.Now, []));
        var verdict = new PolicyEvaluator(compiled).Judge(found.ToConnection());
        Assert.True(verdict.Kind == (result.Assertion.Kind == AssertionKind.Never ? VerdictKind.Allowed : VerdictKind.Blocked), $"{context} but the evaluator says {verdict}");
        Assert.True(found.Outbound.Rule == verdict.Source?.Rule && found.Inbound.Rule == verdict.Destination?.Rule, $"{context} but the evaluator names other rules: {verdict}");

        var connection = new LetterConnection(End(found.Consumer), End(found.Provider), found.Protocol, found.Port, [.. found.Users]);
        Assert.True(Shows(reference, result, connection), context);
        foreach (var key in (string[])["role", "app"])
        {
            foreach (var smaller in (LetterConnection[])[connection with { From = Without(connection.From, key) }, connection with { To = Without(connection.To, key) }])
            {
                Assert.True(smaller == connection || !Shows(reference, result, smaller), $"{context} is not minimal: {smaller}");
            }
        }
    }

    private static LetterEnd End(CounterexampleEnd end) => new(end.Labels, end.Address, end.Address.IsV6, end.Process?.Path, end.Process?.Unit);

    private static LetterEnd Without(LetterEnd end, string key) =>
        end.Labels?[key] is null ? end : end with { Labels = LabelSet.Of(end.Labels.Labels.Where(l => l.Key != key)) };

    /// <summary>Whether a connection is a counterexample, in the sense of the status: of a violation, wherever workloads without a plan are.</summary>
    private static bool Shows(LetterReference reference, AssertionResult result, LetterConnection c)
    {
        LetterEnd Loose(LetterEnd end) => result.Status == AssertionStatus.Violated && end.Labels is not null && !reference.IsPlanned(end) ? end with { Address = null } : end;
        return Fails(reference, result.Assertion, c with { From = Loose(c.From), To = Loose(c.To) });
    }

    private static bool Fails(LetterReference reference, Assertion assertion, LetterConnection c)
    {
        var never = assertion.Kind == AssertionKind.Never;
        return LetterReference.Asserts(assertion, c, Assume.Least) && reference.KeepsPlans(c.From) && reference.KeepsPlans(c.To)
            && reference.Allowed(c, never ? Assume.Least : Assume.Most, never ? Assume.Most : Assume.Least, dhcp: !never) == never;
    }

    private static AssertionStatus Expected(LetterReference reference, Assertion assertion, bool networks, bool wider, IReadOnlyList<Workload> live)
    {
        var status = AssertionStatus.Held;
        foreach (var c in Connections(reference, assertion, networks, wider))
        {
            // An address that is known is a supposition, unless a plan says so, a live workload is there, or the end is no workload.
            bool Lives(LetterEnd end) => live.Any(w => w.Labels.Equals(end.Labels) && w.Addresses.Any(a => a.Address == end.Address));
            bool Supposed(LetterEnd end) => end is { Labels: not null, Address: not null } && !reference.IsPlanned(end) && !Lives(end);
            if (Lives(c.From) && Lives(c.To) && c.From.Address == c.To.Address)
            {
                continue;
            }

            var supposed = Supposed(c.From) || Supposed(c.To);
            if ((supposed && status == AssertionStatus.Conditional) || !Fails(reference, assertion, c))
            {
                continue;
            }

            if (!supposed)
            {
                return AssertionStatus.Violated;
            }

            status = AssertionStatus.Conditional;
        }

        return status;
    }

    private static List<Workload> RandomWorkloads(Random random) =>
        [.. LetterReference.Addresses.Select((address, i) => new Workload
        {
            Id = new(new Guid(i + 1, 0, 0, new byte[8])),
            Name = $"w{i}",
            Labels = LetterSpace.Labels[random.Next(LetterSpace.Labels.Length)],
            Addresses = [ScopedAddress.Of(address)],
            Managed = true,
        })];

    private static IEnumerable<LetterConnection> Connections(LetterReference reference, Assertion assertion, bool networks, bool wider)
    {
        string[][] groups = networks ? (wider ? [[], ["g"]] : [[]]) : [[], ["g"], ["h"], ["g", "h"]];
        var providers = Ends(reference, assertion.To, networks, networks ? [(null, null)] : [(null, null), ("/bin/s", null)]).ToList();
        (string?, string?)[] consumers = !wider ? (networks ? [(null, null)] : [(null, null), ("/bin/p", null)])
            : networks ? [(null, null), ("/bin/p", null)] : [(null, null), ("/bin/p", null), (null, "p.service"), ("/bin/p", "p.service")];
        return from f in Ends(reference, assertion.From, networks, consumers)
               from t in providers
               where f.IsV6 == t.IsV6
               from port in LetterSpace.Ports
               from g in groups
               select new LetterConnection(f, t, port.Protocol, port.Port, g);
    }

    /// <summary>Every workload, at every address and at one of which only the family is known; for a network, strangers too.</summary>
    private static IEnumerable<LetterEnd> Ends(LetterReference reference, RuleEnd end, bool networks, (string? Path, string? Unit)[] sockets)
    {
        LetterEnd[] known = networks ? [.. LetterReference.Addresses.Select(a => new LetterEnd(null, a, a.IsV6, null))] : [];
        LetterEnd[] places = [new(null, null, false, null), new(null, null, true, null), .. known];
        var workloads = from labels in LetterSpace.Labels from place in places from socket in sockets select place with { Labels = labels, Path = socket.Path, Unit = socket.Unit };
        return workloads.Where(w => end is not RuleEnd.Workloads { Selector: var selector } || selector.Matches(w.Labels!))
            .Where(w => w.Address is not null || !reference.IsPlanned(w))
            .Concat(end is RuleEnd.Addresses ? known : []);
    }
}
