using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Rules;
using Bulkhead.Policy.Services;

namespace Bulkhead.Controller.Policies;

/// <summary>
/// Nobody locked out: while the fail-safe list is empty, a move of a host's inbound direction to full is held up if somebody administered the host within
/// the last day in a way that no rule allows.
/// </summary>
public sealed class AdminSessions(FlowStore flows, AgentDirectory directory)
{
    /// <summary>The code of the warning, which provisioning wants acknowledged.</summary>
    public const string WouldLockOut = "would-lock-out";

    private const ushort Ssh = 22;
    private const ushort Rdp = 3389;
    private static readonly TimeSpan s_window = TimeSpan.FromDays(1);

    /// <summary>The sessions that a policy in place of another would cut.</summary>
    public IReadOnlyList<Diagnostic> CutBy(CompiledPolicy after, CompiledPolicy before, DateTimeOffset now)
    {
        var fenced = after.Hosts
            .Where(pair => pair.Value.Modes.Inbound == EnforcementMode.Full && before.Hosts.GetValueOrDefault(pair.Key)?.Modes.Inbound != EnforcementMode.Full)
            .Select(pair => pair.Key).ToHashSet();
        if (fenced.Count == 0 || after.Policy.FailSafe.Count > 0)
        {
            return [];
        }

        var evaluator = new PolicyEvaluator(after);
        var unseen = directory.OtherControllers == 0 ? [] : new[] { Diagnostic.Warning(WouldLockOut, "modes",
            "Hosts move to full inbound, and sessions that other controllers saw are not known here. Put the network that you administer from into the fail-safe list, or look there first.") };
        return [.. unseen, .. flows.Sample(now - s_window, now).Edges
            .Select(seen => seen.Edge)
            .Where(edge => edge.Protocol == IpProtocol.Tcp && edge.Port is Ssh or Rdp && !edge.At(FlowSide.Destination).IsBlocked)
            .Select(edge => (Edge: edge, Host: after.Workloads.Holder(edge.Destination.Address)))
            .Where(seen => seen.Host is { } host && fenced.Contains(host.Id) && IsCut(evaluator, seen.Edge))
            .OrderBy(seen => seen.Host!.Name, StringComparer.Ordinal).ThenBy(seen => seen.Edge.Source.Address)
            .Select(seen => Warn(seen.Edge, seen.Host!, after.Workloads.Holder(seen.Edge.Source.Address)))];
    }

    private static bool IsCut(PolicyEvaluator evaluator, Edge edge) =>
        evaluator.Judge(new(
            edge.Destination.Address.Space, edge.Source.Address.Address, edge.Destination.Address.Address, edge.Protocol, edge.Port, SocketFacts.Unrecorded, SocketFacts.Unrecorded))
            .Destination is { Outcome: not Policy.Evaluate.Outcome.Allow };

    private static Diagnostic Warn(Edge edge, Workload host, Workload? from) => Diagnostic.Warning(
        WouldLockOut, "modes",
        $"{from?.Name ?? edge.Source.Address.ToString()} administered {host.Name} on tcp/{edge.Port} within the last day, and no rule allows it. Write such a rule, or put the network into the fail-safe list.");
}
