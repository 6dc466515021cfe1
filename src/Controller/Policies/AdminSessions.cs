using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy;
using Bulkhead.Policy.Addresses;
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
            .Where(edge => edge.Protocol == IpProtocol.Tcp && IsForAdministration(edge) && !edge.At(FlowSide.Destination).IsBlocked)
            .Select(edge => new AdminConnection(edge.Source.Address, edge.Destination.Address, edge.Port))
            .Concat(fenced.SelectMany(host => SignedIn(after.Workloads.Find(host))))
            .Distinct()
            .Select(seen => (Seen: seen, Host: after.Workloads.Holder(seen.Destination)))
            .Where(seen => seen.Host is { } host && fenced.Contains(host.Id) && IsCut(evaluator, seen.Seen))
            .OrderBy(seen => seen.Host!.Name, StringComparer.Ordinal).ThenBy(seen => seen.Seen.Source).ThenBy(seen => seen.Seen.Port)
            .Select(seen => Warn(seen.Seen, seen.Host!, after.Workloads.Holder(seen.Seen.Source)))];
    }

    /// <summary>By the usual ports, and by who listens, at whatever port.</summary>
    private static bool IsForAdministration(Edge edge) =>
        edge.Port is Ssh or Rdp || edge.At(FlowSide.Destination).Processes.Members.Any(member => member.Seen is { } seen && Path.GetFileName(seen.Path) is "sshd" or "dropbear" or "xrdp");

    /// <summary>Who is signed in over the network at this moment, as the host's agent last said.</summary>
    private IEnumerable<AdminConnection> SignedIn(Workload? host)
    {
        foreach (var session in host is null ? [] : (IEnumerable<Contracts.Agent.UserSession>)(directory.Observation(host.Id)?.Report.Sessions ?? []))
        {
            if (session.Port is > 0 and <= ushort.MaxValue && IpAddress.TryRead(session.Remote.Span, out var remote)
                && host!.Addresses.Where(own => own.Space == host.Space && own.Address.IsV6 == remote.IsV6).Cast<ScopedAddress?>().FirstOrDefault() is { } address)
            {
                yield return new(new(host.Space, remote), address, (ushort)session.Port);
            }
        }
    }

    private static bool IsCut(PolicyEvaluator evaluator, AdminConnection seen) =>
        evaluator.Judge(new(
            seen.Destination.Space, seen.Source.Address, seen.Destination.Address, IpProtocol.Tcp, seen.Port, SocketFacts.Unrecorded, SocketFacts.Unrecorded))
            .Destination is { Outcome: not Policy.Evaluate.Outcome.Allow };

    private static Diagnostic Warn(AdminConnection seen, Workload host, Workload? from) => Diagnostic.Warning(
        WouldLockOut, "modes",
        $"{from?.Name ?? seen.Source.ToString()} administered {host.Name} on tcp/{seen.Port} within the last day, and no rule allows it. Write such a rule, or put the network into the fail-safe list.");

    private readonly record struct AdminConnection(ScopedAddress Source, ScopedAddress Destination, ushort Port);
}
