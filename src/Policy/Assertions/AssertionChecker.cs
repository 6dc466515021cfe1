using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Assertions;

/// <summary>
/// Decides a policy's <c>never</c> and <c>must</c> assertions by its letter, for every workload that could exist: as if each were managed,
/// able to decide every condition, and in full in both directions. Fail-safe entries count as openings. What no policy can cut is no
/// violation of a <c>never</c>, and what passes anyway none of a <c>must</c>: IGMP, neighbour discovery, MLD, packet too big, DHCP.
/// </summary>
public sealed class AssertionChecker
{
    /// <summary>How many steps one assertion may take before it is given up as undecided; hundreds are usual.</summary>
    public const int MostSteps = 2_000_000;

    private readonly int _mostSteps;
    private readonly Alphabet _alphabet = new();
    private readonly PolicyRegions _regions;
    private readonly Dictionary<Assertion, IReadOnlyList<Region>> _asserted = new(ReferenceEqualityComparer.Instance);
    private readonly List<(RuleId Rule, Region Region)> _replies;
    private readonly Lazy<(IReadOnlyList<ExpectedRegion> Regions, bool IsComplete)> _expected;
    private readonly Letter _told;
    private readonly Lazy<LiveWorkloads> _live;
    private readonly Lazy<EnforcementGaps> _gaps;

    private AssertionChecker(PolicyModel policy, DateTimeOffset now, WorkloadIndex workloads, int mostSteps)
    {
        _mostSteps = mostSteps;
        _regions = new(policy, now, _alphabet);
        // All of the alphabet must be known before a value is named that nothing mentions.
        foreach (var assertion in policy.Assertions)
        {
            _asserted.Add(assertion, _regions.Of(assertion));
        }

        _replies = [.. _regions.UntrackedReplies(policy, now)];
        _expected = new(() =>
        {
            var effort = new Effort(_mostSteps);
            ExpectedRegion[] found = [.. new ExpectedRegions([.. _regions.Helping(policy, now)], new(_regions, Reading.Exact, Reading.Exact, essential: false, effort)).All()];
            return (found, !effort.IsSpent);
        });
        foreach (var labels in workloads.Workloads.Select(w => w.Labels).Distinct())
        {
            _alphabet.Use(labels);
        }

        _told = new(_regions, Reading.Exact, Reading.Exact, essential: true, new(0));
        _live = new(() => new(workloads.Workloads.Where(w => w.Admitted), workloads.Held, _alphabet));
        _gaps = new(() => new(policy, workloads, _regions, _alphabet));
    }

    /// <summary>Decides every assertion of a policy, in its order.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="now">Rules that have expired by then do not apply.</param>
    /// <param name="workloads">The real workloads: one that fulfils a condition makes the violation certain. Null for none.</param>
    public static IReadOnlyList<AssertionResult> Check(PolicyModel policy, DateTimeOffset now, WorkloadIndex? workloads = null) =>
        Check(policy, now, workloads ?? WorkloadIndex.Empty, MostSteps);

    /// <summary>The same, with another bound.</summary>
    internal static IReadOnlyList<AssertionResult> Check(PolicyModel policy, DateTimeOffset now, WorkloadIndex workloads, int mostSteps)
    {
        if (policy.Assertions.Count == 0)
        {
            return [];
        }

        var checker = new AssertionChecker(policy, now, workloads, mostSteps);
        return [.. policy.Assertions.Select(checker.Check)];
    }

    private AssertionResult Check(Assertion assertion)
    {
        var effort = new Effort(_mostSteps);
        var (status, found) = Search(assertion, effort);
        if (effort.IsSpent && status != AssertionStatus.Violated)
        {
            status = AssertionStatus.Undecided;
        }

        var counterexample = status is AssertionStatus.Violated or AssertionStatus.Conditional ? found : null;
        var (count, gaps) = assertion.Kind == AssertionKind.Never ? _gaps.Value.Of(assertion) : (0, []);
        IReadOnlyList<RuleId> replies = [], expected = [];
        if (assertion.Kind == AssertionKind.Never && status == AssertionStatus.Held)
        {
            bool Concerns(Region region) => _asserted[assertion].Any(asserted => asserted.And(region) is not null);
            replies = [.. _replies.Where(reply => Concerns(reply.Region)).Select(reply => reply.Rule).Distinct().Order()];
            expected = [.. _expected.Value.Regions.Where(one => Concerns(one.Region)).SelectMany(one => one.Rules).Distinct().Order()];
            status = assertion.AcceptsHelpers ? status : expected.Count > 0 ? AssertionStatus.Unproven : _expected.Value.IsComplete ? status : AssertionStatus.Undecided;
        }

        return new(assertion, status, counterexample, AssertionText.Message(assertion, status, counterexample, replies, expected, count, gaps), count, gaps);
    }

    /// <summary>First a violation wherever workloads without a plan have their addresses; then one at some address, and whether a live workload is there.</summary>
    private (AssertionStatus Status, Counterexample? Found) Search(Assertion assertion, Effort effort)
    {
        var never = assertion.Kind == AssertionKind.Never;
        var anywhere = never
            ? new Letter(_regions, Reading.Certain, Reading.Possible, essential: false, effort)
            : new Letter(_regions, Reading.Possible, Reading.Certain, essential: true, effort);
        var asserted = _asserted[assertion];
        Region[] certainly = [.. asserted.SelectMany(region => _regions.Read(region, Reading.Certain))];
        if (Pieces(anywhere, never, certainly).FirstOrDefault() is { } piece)
        {
            return (AssertionStatus.Violated, new CounterexampleMaker(_regions, _alphabet, anywhere, _told, never, certainly).Make(piece, null, null));
        }

        var exact = new Letter(_regions, Reading.Exact, Reading.Exact, essential: !never, effort);
        var maker = new CounterexampleMaker(_regions, _alphabet, exact, _told, never, asserted);
        Counterexample? conditional = null;
        foreach (var at in Pieces(exact, never, asserted))
        {
            var live = (from consumer in Settled(at, Side.Consumer)
                        from provider in Settled(consumer.Part, Side.Provider)
                        where effort.Step()
                        select (provider.Part, Consumer: consumer.Workload, Provider: provider.Workload)).FirstOrDefault();
            if (live.Part is not null)
            {
                return (AssertionStatus.Violated, maker.Make(live.Part, live.Consumer, live.Provider));
            }

            conditional ??= maker.Make(at, null, null);
        }

        return (conditional is null ? AssertionStatus.Held : AssertionStatus.Conditional, conditional);
    }

    private static IEnumerable<Region> Pieces(Letter letter, bool never, IEnumerable<Region> asserted) =>
        asserted.SelectMany(region => never ? letter.Allowed(region).Select(a => a.Region) : letter.Blocked(region));

    /// <summary>The parts of a region where one end's address is no mere supposition: any will do, a plan says so, or a real workload has it.</summary>
    private IEnumerable<(Region Part, Workload? Workload)> Settled(Region region, Side side)
    {
        var addresses = region.Addresses(side);
        if (ReferenceEquals(addresses, AddressCodes.All) || !region[Dimension.Kind(side)].Contains(Dimension.Workload))
        {
            return [(region, null)];
        }

        var whole = region.And(Region.Of(side, AddressCodes.WholeFamilies(addresses)));
        return _regions.Planned(region, side).Prepend(whole).OfType<Region>().Select(part => (part, (Workload?)null))
            .Concat(_live.Value.At(region, side).Select(found => (found.Part, (Workload?)found.Workload)));
    }
}
