using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;
using Kind = Bulkhead.Policy.Evaluate.VerdictKind;

namespace Bulkhead.Controller.Traffic;

/// <summary>One end of a connection, as sentences name it.</summary>
/// <param name="Name">Such as <c>web-1 (storefront/prod)</c>, or the address.</param>
/// <param name="Workload">Null if no workload has the address.</param>
public sealed record NamedEnd(string Name, Workload? Workload)
{
    /// <summary>Names a workload, or the address where there is none.</summary>
    public static NamedEnd Of(Workload? workload, string address)
    {
        if (workload is null)
        {
            return new(address, null);
        }

        var group = string.Join('/', new[] { workload.Labels["app"], workload.Labels["env"] }.OfType<string>());
        return new(group.Length == 0 ? workload.Name : $"{workload.Name} ({group})", workload);
    }
}

/// <summary>A verdict in words.</summary>
/// <param name="View">As REST shows it.</param>
/// <param name="Decisive">The end's decision that made it; null if no end has an agent.</param>
public sealed record WordedVerdict(VerdictView View, EndDecisionView? Decisive);

/// <summary>
/// The one place that says in words why a connection passes or not. Sentences are clauses without capital or full stop, so that they can
/// follow "because".
/// </summary>
/// <param name="compiled">The policy that was judged by.</param>
public sealed class VerdictSentences(CompiledPolicy compiled)
{
    private readonly Dictionary<RuleId, string> _rulesets =
        compiled.Policy.Rulesets.SelectMany(set => set.Rules.Select(rule => (rule.Id, set.Name))).ToDictionary(pair => pair.Id, pair => pair.Name);

    /// <summary>A verdict under the policy.</summary>
    public WordedVerdict Of(Verdict verdict, NamedEnd source, NamedEnd destination, string port)
    {
        var consumer = verdict.Source is { } outbound ? Of(outbound, source, destination, port) : null;
        var provider = verdict.Destination is { } inbound ? Of(inbound, destination, source, port) : null;
        var decisive = Decisive(verdict) switch
        {
            null => null,
            FlowSide.Source => consumer,
            _ => provider,
        };
        return new(new(ToContract(verdict.Kind), decisive?.Because ?? "neither end has an agent", consumer, provider), decisive);
    }

    /// <summary>What kernels did.</summary>
    /// <param name="reported">What they did.</param>
    /// <param name="enforced">What the policy in force says.</param>
    /// <param name="source">The consumer.</param>
    /// <param name="destination">The provider.</param>
    /// <param name="port">As <c>tcp/443</c>.</param>
    public WordedVerdict Of(ReportedVerdict reported, Verdict enforced, NamedEnd source, NamedEnd destination, string port)
    {
        var worded = Of(enforced, source, destination, port);
        var view = worded.View with { Kind = ToContract(reported.Kind) };
        if (reported.BlockedAt is not { } side)
        {
            return worded with { View = enforced.Kind == Kind.Blocked ? view with { Because = $"it passed when last tried, but now {view.Because}" } : view };
        }

        var (local, peer) = side == FlowSide.Source ? (source, destination) : (destination, source);
        var stopped = Stopped(reported.BlockedBy, side, local, peer, port);
        view = view with { Because = stopped.Because };
        return new(side == FlowSide.Source ? view with { Source = stopped } : view with { Destination = stopped }, stopped);
    }

    /// <summary>REST's name of a verdict.</summary>
    public static Contracts.Rest.VerdictKind ToContract(Kind kind) => kind switch
    {
        Kind.Allowed => Contracts.Rest.VerdictKind.Allowed,
        Kind.PotentiallyBlocked => Contracts.Rest.VerdictKind.PotentiallyBlocked,
        Kind.Blocked => Contracts.Rest.VerdictKind.Blocked,
        _ => Contracts.Rest.VerdictKind.Unknown,
    };

    /// <summary>REST's name of a mode.</summary>
    public static ModeName ToContract(EnforcementMode mode) => mode switch
    {
        EnforcementMode.Full => ModeName.Full,
        EnforcementMode.Selective => ModeName.Selective,
        _ => ModeName.Visibility,
    };

    /// <summary>How bad a verdict is; a higher number is worse.</summary>
    public static int Rank(Kind kind) => kind switch
    {
        Kind.Blocked => 3,
        Kind.PotentiallyBlocked => 2,
        Kind.Unknown => 1,
        _ => 0,
    };

    private static FlowSide? Decisive(Verdict verdict)
    {
        var (source, destination) = (verdict.Source, verdict.Destination);
        if (source is null || destination is null)
        {
            return source is not null ? FlowSide.Source : destination is not null ? FlowSide.Destination : null;
        }

        var atDestination = verdict.Kind switch
        {
            Kind.Blocked => source.Outcome != Outcome.Block,
            Kind.PotentiallyBlocked => destination is { Mode: not EnforcementMode.Full, InFull: Outcome.Block },
            Kind.Unknown => destination.Outcome == Outcome.Unknown || destination.InFull == Outcome.Unknown,
            _ => destination.By == DecidedBy.Rule || source.By != DecidedBy.Rule,
        };
        return atDestination ? FlowSide.Destination : FlowSide.Source;
    }

    private EndDecisionView Of(EndDecision decision, NamedEnd local, NamedEnd peer, string port) => new(
        Word(decision.Outcome),
        Word(decision.InFull),
        ToContract(decision.Mode),
        decision.By.ToString().ToLowerInvariant(),
        decision.Rule?.Value,
        decision.Rule is { } rule ? _rulesets.GetValueOrDefault(rule) : null,
        [.. decision.Others.Select(other => other.Value)],
        Because(decision, local, peer, port));

    private string Because(EndDecision decision, NamedEnd local, NamedEnd peer, string port) => decision.By switch
    {
        DecidedBy.Quarantine => InQuarantine(decision.Outcome == Outcome.Allow, local, peer),
        DecidedBy.Essential => $"{port} between {local.Name} and {peer.Name} is essential traffic or on the fail-safe list, which no rule cuts",
        DecidedBy.Rule => ByRule(decision, local),
        _ => ByDefault(decision, local, port),
    };

    private static string InQuarantine(bool responder, NamedEnd local, NamedEnd peer) =>
        responder ? $"{local.Name} is in quarantine, which responders may pass"
        : local.Workload is { Quarantined: true } ? $"{local.Name} is in quarantine"
        : $"{peer.Name} is in quarantine";

    private string ByRule(EndDecision decision, NamedEnd local)
    {
        var (rule, mode) = (Name(decision.Rule!.Value.Value), $"the {Side(decision)} mode of {local.Name} is {Word(decision.Mode)}");
        return (decision.InFull, decision.Outcome) switch
        {
            (Outcome.Allow, _) => $"{rule} allows it",
            (Outcome.Block, Outcome.Block) => $"{rule} blocks it",
            (Outcome.Block, _) => $"{rule} would block it, but {mode}",
            (_, Outcome.Allow) => $"{rule} depends on the process or user at {local.Name}, which is not known; it passes because {mode}",
            _ => $"{rule} depends on the process or user at {local.Name}, which is not known",
        };
    }

    private static string ByDefault(EndDecision decision, NamedEnd local, string port)
    {
        var side = Side(decision);
        return decision.Outcome == Outcome.Block
            ? $"no rule of {local.Name} allows {port} {side}; its {side} mode is {Word(decision.Mode)}"
            : $"no rule of {local.Name} allows {port} {side}; it passes because its {side} mode is {Word(decision.Mode)}";
    }

    /// <summary>What an agent says has stopped a connection.</summary>
    private EndDecisionView Stopped(long by, FlowSide side, NamedEnd local, NamedEnd peer, string port)
    {
        var direction = side == FlowSide.Source ? Direction.Outbound : Direction.Inbound;
        var word = direction == Direction.Inbound ? "inbound" : "outbound";
        var mode = local.Workload is { } workload && compiled.Hosts.TryGetValue(workload.Id, out var host) ? host.Modes[direction] : EnforcementMode.Full;
        var (decidedBy, because) = by switch
        {
            BlockedBy.Quarantine => (DecidedBy.Quarantine, InQuarantine(false, local, peer)),
            BlockedBy.Default => (DecidedBy.Default, $"no rule of {local.Name} allowed {port} {word}, and its {word} mode was full"),
            _ => (DecidedBy.Rule, $"{Name(by)} blocked it at {local.Name}"),
        };
        return new(
            Word(Outcome.Block), Word(Outcome.Block), ToContract(mode), decidedBy.ToString().ToLowerInvariant(),
            by > 0 ? by : null, by > 0 ? _rulesets.GetValueOrDefault(new(by)) : null, [], because);
    }

    private string Name(long rule) =>
        _rulesets.TryGetValue(new(rule), out var ruleset) ? $"rule {rule} of ruleset {ruleset}" : $"rule {rule}, which has since been removed,";

    private static string Side(EndDecision decision) => decision.Direction == Direction.Inbound ? "inbound" : "outbound";

    private static string Word(EnforcementMode mode) => mode.ToString().ToLowerInvariant();

    private static string Word(Outcome outcome) => outcome.ToString().ToLowerInvariant();
}
