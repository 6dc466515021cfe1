using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Policy.Symbolic;

/// <summary>
/// A policy by the letter, as regions: what each end's rules hold if every workload were managed, identified, able to decide everything and
/// in full enforcement. A connection is then allowed exactly if, at each end that is a workload, an opening holds it, or an allow does and no
/// override-deny; denies say nothing that the default does not.
/// </summary>
internal sealed class PolicyRegions
{
    private readonly RuleRegions _rules;
    private readonly List<(Selector Selector, Intervals<UInt128> Addresses)> _plans;
    private readonly IReadOnlyList<Region>[] _unplanned;
    private readonly Dictionary<(Direction, RuleAction), RegionLayer> _tiers = [];
    private readonly RegionLayer[] _openings;
    private readonly RegionLayer[] _visible;
    private readonly RegionLayer[] _selective;
    private readonly RegionLayer[] _essential;

    /// <summary>Reads a policy.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="now">Rules that have expired by then do not apply.</param>
    /// <param name="alphabet">Receives the values that the policy mentions.</param>
    public PolicyRegions(PolicyModel policy, DateTimeOffset now, Alphabet alphabet)
    {
        _rules = new(alphabet);
        _plans = [.. policy.Plans.Select(p => (p.Selector, AddressCodes.Of(p.Networks.SelectMany(n => n.Prefixes))))];
        _unplanned = [.. Enum.GetValues<Side>().Select(Unplanned)];
        var tiers = new Dictionary<(Direction, RuleAction), List<PolicyRegion>>();
        foreach (var ruleset in policy.Rulesets)
        {
            foreach (var (direction, region) in _rules.Of(ruleset, rule => rule.Expires is not { } expiry || expiry > now))
            {
                var tier = (direction, region.Source.Rule!.Action);
                if (!tiers.TryGetValue(tier, out var regions))
                {
                    tiers.Add(tier, regions = []);
                }

                regions.Add(region);
            }
        }

        foreach (var direction in Enum.GetValues<Direction>())
        {
            foreach (var action in Enum.GetValues<RuleAction>())
            {
                _tiers.Add((direction, action), Layer(tiers.GetValueOrDefault((direction, action)) ?? []));
            }
        }

        _openings = [Layer([Unjudgable(Side.Provider), .. FailSafe(policy)]), Layer([Unjudgable(Side.Consumer)])];
        _essential = [Layer([Dhcp(Side.Provider, 68)]), Layer([Dhcp(Side.Consumer, 67)])];
        _visible = [.. Enum.GetValues<Direction>().Select(direction => Layer(Visible(policy, direction)))];
        _selective = [.. Enum.GetValues<Direction>().Select(direction => Layer(Selective(policy, direction)))];
        Impossible = Layer([.. Enum.GetValues<Side>().SelectMany(side => _plans.Select(plan => Against(side, plan.Selector, plan.Addresses))).OfType<PolicyRegion>()]);
    }

    /// <summary>What lets everything pass at an end that is no workload.</summary>
    public static RegionSource Unjudged { get; } = new(null, null, "not a workload");

    /// <summary>What lets everything pass at a workload in visibility.</summary>
    public static RegionSource InVisibility { get; } = new(null, null, "mode visibility");

    /// <summary>What lets pass what no rule stops at a workload in selective.</summary>
    public static RegionSource InSelective { get; } = new(null, null, "mode selective");

    /// <summary>What workloads that keep to their plans cannot do.</summary>
    public RegionLayer Impossible { get; }

    /// <summary>The rules of one tier at one end.</summary>
    public RegionLayer this[Direction direction, RuleAction action] => _tiers[(direction, action)];

    /// <summary>What passes at one end whatever the rules say: all, where the end is no workload, and what the fail-safe list opens.</summary>
    public RegionLayer Openings(Direction direction) => _openings[(int)direction];

    /// <summary>The workloads at one end that are in visibility in the direction.</summary>
    public RegionLayer Visible(Direction direction) => _visible[(int)direction];

    /// <summary>The workloads at one end that are in selective in the direction.</summary>
    public RegionLayer Selective(Direction direction) => _selective[(int)direction];

    /// <summary>What passes at one end whatever a policy says.</summary>
    public RegionLayer Essential(Direction direction) => _essential[(int)direction];

    /// <summary>The regions of one rule.</summary>
    public IEnumerable<(Direction Direction, PolicyRegion Region)> Of(Ruleset ruleset, Rule rule) => _rules.Of(ruleset, r => r.Id == rule.Id);

    /// <summary>The regions of every rule, as each end decides them; a rule that nothing can match has none.</summary>
    public ILookup<Rule, (Direction Direction, Region Region)> ByRule() =>
        _tiers.SelectMany(tier => tier.Value[Reading.Exact].SelectMany(index => index.Regions).Select(r => (r.Source.Rule, tier.Key.Item1, r.Region)))
            .ToLookup(r => r.Rule!, r => (r.Item2, r.Region), ReferenceEqualityComparer.Instance as IEqualityComparer<Rule>);

    /// <summary>The connections that an assertion speaks of, essential ones aside.</summary>
    public IReadOnlyList<Region> Of(Assertion assertion)
    {
        var ends = _rules.End(assertion.From, Side.Consumer)?.And(_rules.Consumer(assertion.FromProcess, assertion.Users))?
            .And(Region.Of(PortCodes.All.Except(PortCodes.Essential)));
        if (ends is null || _rules.End(assertion.To, Side.Provider) is not { } to || ends.And(to) is not { } both)
        {
            return [];
        }

        var kinds = new List<Region?> { Kind(Dimension.Workload, Dimension.Workload) };
        if (assertion.From is RuleEnd.Addresses)
        {
            kinds.Add(Kind(Dimension.Unmanaged, Dimension.Workload));
        }

        if (assertion.To is RuleEnd.Addresses)
        {
            kinds.Add(Kind(Dimension.Workload, Dimension.Unmanaged));
        }

        return [.. assertion.Services.SelectMany(service => kinds.Select(kind => kind?.And(both)?.And(Region.Of(PortCodes.Of(service.Ports)))?.And(_rules.Process(service.Process, Side.Provider)))).OfType<Region>()];
    }

    /// <summary>What replies of stateless services might be taken for, scopes aside: connections from a rule's providers to its consumers.</summary>
    public IEnumerable<(RuleId Rule, Region Region)> UntrackedReplies(PolicyModel policy, DateTimeOffset now) =>
        from rule in policy.Rulesets.SelectMany(ruleset => ruleset.Rules)
        where rule.Action == RuleAction.Allow && !(rule.Expires <= now)
            && rule.Services.Any(service => service.Stateless && service.Ports.Any(port => port.Protocol == IpProtocol.Udp))
        let providers = _rules.End(rule.To, Side.Consumer)
        let consumers = _rules.End(rule.From, Side.Provider)
        let ports = Intervals<int>.Of((PortCodes.Of(IpProtocol.Udp, StatelessPorts.FirstUdpClient), PortCodes.Of(IpProtocol.Udp, ushort.MaxValue)))
        let region = consumers is null ? null : providers?.And(consumers)?.And(Region.Of(ports))
        where region is not null
        select (rule.Id, region);

    /// <summary>The connections that rules give a helper, as each end does that they let decide.</summary>
    public IEnumerable<HelpingRegion> Helping(PolicyModel policy, DateTimeOffset now) =>
        from ruleset in policy.Rulesets
        from found in _rules.Of(ruleset, rule => rule.Action == RuleAction.Allow && !(rule.Expires <= now) && rule.Services.Any(service => service.Helper is not null))
        from helped in found.Region.Source.Rule!.Services.Where(service => service.Helper is not null).GroupBy(service => service.Helper!)
        let region = found.Region.Region.And(Region.Of(PortCodes.Of(helped.SelectMany(service => service.Ports))))
        where region is not null
        select new HelpingRegion(region, found.Direction, found.Region.Source.Rule!.Id, helped.Key);

    /// <summary>A region in one reading, as regions that may overlap.</summary>
    public IEnumerable<Region> Read(Region region, Reading reading) =>
        reading == Reading.Exact ? [region] : Read(region, Side.Consumer, reading).SelectMany(r => Read(r, Side.Provider, reading));

    /// <summary>The parts of a region where a plan says which addresses one end has.</summary>
    public IEnumerable<Region> Planned(Region region, Side side) =>
        _plans.Select(plan => _rules.Selected(plan.Selector, side) is { } chosen ? region.And(chosen) : null).OfType<Region>();

    /// <summary>Whether a plan says where one end of a connection has its addresses.</summary>
    public bool IsPlanned(Point point, Side side) => _plans.Exists(plan => _rules.Selected(plan.Selector, side) is { } chosen && point.IsIn(chosen));

    /// <summary>The labels of all workloads that a selector chooses, at one end; null if it can choose none.</summary>
    public Region? Selected(Selector selector, Side side) => _rules.Selected(selector, side);

    /// <summary>Both ends' kinds.</summary>
    public static Region? Kind(int consumer, int provider) =>
        Region.Of(Dimension.Kind(Side.Consumer), ValueSet.Of(consumer)).And(Region.Of(Dimension.Kind(Side.Provider), ValueSet.Of(provider)));

    /// <summary>Every connection that policy speaks of: between workloads, or between one and a stranger; essential ones aside.</summary>
    public static IReadOnlyList<Region> Everything { get; } =
        [.. new[] { Kind(Dimension.Workload, Dimension.Workload), Kind(Dimension.Unmanaged, Dimension.Workload), Kind(Dimension.Workload, Dimension.Unmanaged) }
            .Select(kind => kind!.And(Region.Of(PortCodes.All.Except(PortCodes.Essential)))!)];

    private IEnumerable<Region> Read(Region region, Side side, Reading reading)
    {
        var addresses = region.Addresses(side);
        if (ReferenceEquals(addresses, AddressCodes.All))
        {
            return [region];
        }

        var families = reading == Reading.Certain ? AddressCodes.WholeFamilies(addresses) : AddressCodes.TouchedFamilies(addresses);
        var unmanaged = region.And(Region.Of(Dimension.Kind(side), ValueSet.Of(Dimension.Unmanaged)));
        var unplanned = families.IsEmpty ? null : region.WithAnyAddress(side).And(Region.Of(side, families));
        return Planned(region, side).Prepend(unmanaged).Concat(_unplanned[(int)side].Select(u => unplanned?.And(u))).OfType<Region>();
    }

    /// <summary>The workloads of which no plan speaks.</summary>
    private List<Region> Unplanned(Side side) =>
        [.. RegionSearch.Outside(Workload(side), [.. _plans.Select(p => _rules.Selected(p.Selector, side)).OfType<Region>()], new(int.MaxValue))];

    private IEnumerable<Region> InMode(PolicyModel policy, Direction direction, EnforcementMode atLeast) =>
        policy.Modes.Where(assigned => assigned.Modes[direction] >= atLeast).Select(assigned => _rules.Selected(assigned.Selector, SideOf(direction))).OfType<Region>();

    private List<PolicyRegion> Visible(PolicyModel policy, Direction direction) =>
        [.. RegionSearch.Outside(Workload(SideOf(direction)), [.. InMode(policy, direction, EnforcementMode.Selective)], new(int.MaxValue)).Select(region => new PolicyRegion(region, InVisibility))];

    private List<PolicyRegion> Selective(PolicyModel policy, Direction direction) =>
        [.. InMode(policy, direction, EnforcementMode.Selective).SelectMany(region => RegionSearch.Outside(region, [.. InMode(policy, direction, EnforcementMode.Full)], new(int.MaxValue)))
            .Select(region => new PolicyRegion(region, InSelective))];

    private static Side SideOf(Direction direction) => direction == Direction.Inbound ? Side.Provider : Side.Consumer;

    private PolicyRegion? Against(Side side, Selector selector, Intervals<UInt128> addresses) =>
        _rules.Selected(selector, side)?.And(Region.Of(side, AddressCodes.All.Except(addresses))) is { } region ? new(region, new(null, null, "plan")) : null;

    private RegionLayer Layer(IReadOnlyCollection<PolicyRegion> regions) => new(regions, Read);

    private static List<PolicyRegion> FailSafe(PolicyModel policy)
    {
        var openings = new List<PolicyRegion>();
        foreach (var entry in policy.FailSafe)
        {
            var from = Region.Of(Side.Consumer, AddressCodes.Of(entry.Network.Prefixes));
            if (Workload(Side.Provider).And(from)?.And(Region.Of(PortCodes.Of(entry.Ports))) is { } region)
            {
                openings.Add(new(region, new(null, null, $"fail-safe network {entry.Network.Name}")));
            }
        }

        return openings;
    }

    /// <summary>A workload always asks for, and gets, an IPv4 address by DHCP. (By DHCPv6 too, but link-locally, which never joins two workloads' addresses.)</summary>
    private static PolicyRegion Dhcp(Side side, ushort port) =>
        new(Workload(side).And(Region.Of(Intervals<int>.Of((PortCodes.Of(IpProtocol.Udp, port), PortCodes.Of(IpProtocol.Udp, port)))))!.And(Region.Of(side == Side.Consumer ? Side.Provider : Side.Consumer, AddressCodes.V4))!,
            new(null, null, "essential: DHCP"));

    private static PolicyRegion Unjudgable(Side side) => new(Region.Of(Dimension.Kind(side), ValueSet.Of(Dimension.Unmanaged)), Unjudged);

    private static Region Workload(Side side) => Region.Of(Dimension.Kind(side), ValueSet.Of(Dimension.Workload));
}
