using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;
using Bulkhead.Policy.Symbolic;

namespace Bulkhead.Policy.Assertions;

/// <summary>Makes a counterexample out of the region in which an assertion fails: no label can be taken away from either end.</summary>
/// <param name="policy">The policy, for its plans.</param>
/// <param name="alphabet">The texts of values.</param>
/// <param name="letter">Decides whether a connection still shows that the assertion fails.</param>
/// <param name="told">Decides what is told of each end.</param>
/// <param name="never">Whether the assertion fails of what is allowed.</param>
/// <param name="asserted">What it speaks of.</param>
internal sealed class CounterexampleMaker(PolicyRegions policy, Alphabet alphabet, Letter letter, Letter told, bool never, IReadOnlyList<Region> asserted)
{
    private const int ValuesTried = 8;

    private readonly PointChooser _chooser = new(alphabet);

    /// <summary>The counterexample; real workloads at its ends keep their labels.</summary>
    public Counterexample Make(Region piece, Workload? consumer, Workload? provider)
    {
        var point = _chooser.Choose(piece);
        for (var smaller = Smaller(point, consumer, provider); smaller is not null; smaller = Smaller(point, consumer, provider))
        {
            point = smaller;
        }

        var (protocol, port) = PortCodes.Read(point.Port);
        return new(
            End(point, Side.Consumer, piece, consumer),
            End(point, Side.Provider, piece, provider),
            protocol,
            port,
            point.Groups.Select(g => alphabet.Text(g)!).Order(StringComparer.Ordinal).ToEquatableArray(),
            Decision(Direction.Outbound, point),
            Decision(Direction.Inbound, point));
    }

    /// <summary>A counterexample with one label less, or with a value in use instead of a made-up one; null if there is none.</summary>
    private Point? Smaller(Point point, Workload? consumer, Workload? provider)
    {
        var free = Enum.GetValues<Side>().Where(side => (side == Side.Consumer ? consumer : provider) is null).ToList();
        for (var key = 0; key < alphabet.Keys.Count; key++)
        {
            var labels = free.Select(side => Dimension.Label(side, key)).Where(dimension => point[dimension] != Alphabet.Absent).ToList();
            var fewer = labels.Select(dimension => point.With(dimension, Alphabet.Absent))
                .Concat(labels.Count == 2 ? [point.With(labels[0], Alphabet.Absent).With(labels[1], Alphabet.Absent)] : []);
            var used = labels.Where(dimension => IsMadeUp(point[dimension]))
                .SelectMany(dimension => _chooser.Best(ValueSet.Present, alphabet.InUse(key)).Take(ValuesTried).Where(v => !IsMadeUp(v)).Select(value => point.With(dimension, value)));
            if (fewer.Concat(used).FirstOrDefault(Shows) is { } smaller)
            {
                return smaller;
            }
        }

        return null;
    }

    private bool Shows(Point point) => asserted.Any(point.IsIn) && (never ? letter.IsAllowed(point) : letter.IsBlocked(point));

    private bool IsMadeUp(int value) => value == alphabet.Fresh(0) || value == alphabet.Fresh(1);

    private CounterexampleEnd End(Point point, Side side, Region piece, Workload? live)
    {
        var isWorkload = point[Dimension.Kind(side)] == Dimension.Workload;
        var labels = alphabet.Keys.Select((key, i) => (Key: key, Value: alphabet.Text(point[Dimension.Label(side, i)]))).Where(l => l.Value is not null);
        var addresses = piece.Addresses(side);
        var matters = isWorkload && !ReferenceEquals(addresses, AddressCodes.All) && AddressCodes.WholeFamilies(addresses).IsEmpty
            && (live is not null || !policy.IsPlanned(point, side));
        var (path, unit) = (alphabet.Text(point[Dimension.Path(side)]), alphabet.Text(point[Dimension.Unit(side)]));
        return new(
            isWorkload ? live?.Labels ?? LabelSet.Of(labels.Select(l => new Label(l.Key, l.Value!))) : null,
            AddressCodes.Read(side == Side.Consumer ? point.From : point.To),
            matters,
            matters ? NetworkOf(point, side) : null,
            path is null && unit is null ? null : new ProcessCondition(path, unit),
            live?.Name);
    }

    private LetterDecision Decision(Direction direction, Point point)
    {
        var (passes, by) = told.Decide(direction, point);
        var because = by switch
        {
            null => "no rule allows it",
            { Opening: { } opening } => opening,
            { Rule: { } rule } => $"{Word(rule.Action)}, rule {rule.Id} of {by.Ruleset!.Name}",
            _ => throw new InvalidOperationException("A decision comes from a rule or an opening."),
        };
        return new(direction, passes, by?.Rule?.Id, because);
    }

    /// <summary>The network by which a deciding rule speaks of one end.</summary>
    private string? NetworkOf(Point point, Side side)
    {
        var rules = Enum.GetValues<Direction>().Select(direction => told.Decide(direction, point).By?.Rule).OfType<Rule>();
        var address = AddressCodes.Read(side == Side.Consumer ? point.From : point.To);
        return rules.Select(rule => side == Side.Consumer ? rule.From : rule.To).OfType<RuleEnd.Addresses>()
            .FirstOrDefault(end => end.Network.Prefixes.Any(p => p.Contains(address)))?.Network.Name;
    }

    private static string Word(RuleAction action) => action switch
    {
        RuleAction.Allow => "allow",
        RuleAction.Deny => "deny",
        _ => "override-deny",
    };
}
