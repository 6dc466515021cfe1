using System.Globalization;
using Bulkhead.Agent.Policies;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Services;
using Outcome = Bulkhead.Policy.Evaluate.Outcome;

namespace Bulkhead.Agent.Live;

/// <summary>One flow of a window, as <c>flows</c> shows it; serialised by <c>--output json</c>, one a line.</summary>
/// <param name="At">Start of the window.</param>
/// <param name="Milliseconds">Its length.</param>
/// <param name="Direction">in or out.</param>
/// <param name="Verdict">allowed, potentiallyBlocked, blocked or unknown, at this end.</param>
/// <param name="By">What decided: quarantine, essential, rule, default, invalid; or none, before there is a policy.</param>
/// <param name="Rule">The rule, or null.</param>
/// <param name="Local">The host's address.</param>
/// <param name="Remote">The other end's.</param>
/// <param name="RemoteName">Its name, as a DNS answer to this host gave it, or null.</param>
/// <param name="Port">Such as tcp/443.</param>
/// <param name="Process">Executable, or null if not known.</param>
/// <param name="Name">Command name, or null.</param>
/// <param name="Pid">Process id, or null.</param>
/// <param name="StartTime">Clock ticks since boot; with the pid, the process's identity; or null.</param>
/// <param name="Unit">Systemd unit, or null.</param>
/// <param name="Container">Container, or null.</param>
/// <param name="User">Who signed in, else the owner; or null.</param>
/// <param name="Owner">The owner, or null.</param>
/// <param name="Connections">New in the window.</param>
/// <param name="Open">Open at its end.</param>
/// <param name="BytesOut">From this host.</param>
/// <param name="BytesIn">To this host.</param>
/// <param name="PacketsOut">From this host.</param>
/// <param name="PacketsIn">To this host.</param>
internal sealed record FlowLine(
    DateTimeOffset At, uint Milliseconds, string Direction, string Verdict, string By, long? Rule, string Local, string Remote, string? RemoteName, string Port,
    string? Process, string? Name, uint? Pid, ulong? StartTime, string? Unit, string? Container, string? User, string? Owner,
    ulong Connections, uint Open, ulong BytesOut, ulong BytesIn, ulong PacketsOut, ulong PacketsIn)
{
    private const long ByQuarantine = -1;
    private const long ByInvalid = -2;

    /// <summary>The flows of a window, those of scans' samples among them.</summary>
    /// <param name="batch">The window.</param>
    /// <param name="policy">What this host enforces; null if nothing.</param>
    public static IEnumerable<FlowLine> Of(FlowBatch batch, LocalPolicy? policy)
    {
        var evaluator = policy is null ? null : new HostEvaluator(policy.Policy);
        var names = batch.Names.ToDictionary(name => name.Address, name => name.Name);
        return batch.Flows.Concat(batch.Scans.SelectMany(scan => scan.Samples)).Select(flow =>
        {
            var process = flow.Process == 0 || flow.Process > batch.Processes.Count ? null : batch.Processes[(int)flow.Process - 1];
            _ = IpAddress.TryRead(flow.LocalAddress.Span, out var local);
            _ = IpAddress.TryRead(flow.RemoteAddress.Span, out var remote);
            var (verdict, by, rule) = Judge(flow, local, remote, process, evaluator);
            return new FlowLine(
                DateTimeOffset.FromUnixTimeMilliseconds(batch.WindowUnixMs), batch.WindowMs, flow.Direction == Contracts.Agent.Direction.Inbound ? "in" : "out", verdict, by, rule,
                local.ToString(), remote.ToString(), names.GetValueOrDefault(flow.RemoteAddress), PortOf(flow),
                process?.Path, process?.Name, process?.Pid, process?.StartTime, Filled(process?.Unit), Filled(process?.Container), process?.User, Filled(process?.Owner),
                flow.Connections, flow.Open, flow.BytesOut, flow.BytesIn, flow.PacketsOut, flow.PacketsIn);
        });
    }

    /// <summary>The same for people.</summary>
    public override string ToString()
    {
        var arrow = Direction == "in" ? "<-" : "->";
        var name = RemoteName is null ? "" : $" ({RemoteName})";
        var who = Process is null ? "unidentified" : $"{Process}[{Pid}]{(Unit is null ? "" : $" {Unit}")}{(Container is null ? "" : $" in {Container}")} as {User}";
        var by = Rule is { } rule ? $"rule {rule}" : By;
        var verdict = Verdict == "potentiallyBlocked" ? "would block" : Verdict;
        return Plain(string.Create(CultureInfo.InvariantCulture,
            $"{At.ToLocalTime():HH:mm:ss}  {verdict,-11}  {Local} {arrow} {Remote}{name} {Port}  {who}  {Connections} new, {Open} open, {BytesOut} B out, {BytesIn} B in  {by}"));
    }

    private static (string Verdict, string By, long? Rule) Judge(FlowSummary flow, IpAddress local, IpAddress remote, ProcessInfo? process, HostEvaluator? evaluator)
    {
        if (flow.Outcome == Contracts.Agent.Outcome.Blocked)
        {
            return ("blocked", flow.DecidedBy switch { 0 => "default", ByQuarantine => "quarantine", ByInvalid => "invalid", _ => "rule" }, flow.DecidedBy > 0 ? flow.DecidedBy : null);
        }

        if (evaluator is null)
        {
            return ("allowed", "none", null);
        }

        var direction = flow.Direction == Contracts.Agent.Direction.Inbound ? Bulkhead.Policy.Rules.Direction.Inbound : Bulkhead.Policy.Rules.Direction.Outbound;
        var socket = process is null ? SocketFacts.Unidentified : SocketFacts.Of(process.Path, Filled(process.Unit), null);
        var decision = evaluator.Decide(direction, local, remote, (byte)flow.Protocol, (ushort)flow.Port, socket);
        var verdict = (decision.Outcome, decision.InFull) switch
        {
            // It passed all the same: it is older than the policy, or the direction's mode lets it.
            (Outcome.Block, _) or (_, Outcome.Block) => "potentiallyBlocked",
            (Outcome.Allow, Outcome.Allow) => "allowed",
            _ => "unknown",
        };
        return (verdict, decision.By.ToString().ToLowerInvariant(), decision.Rule?.Value);
    }

    private static string PortOf(FlowSummary flow)
    {
        var protocol = (byte)flow.Protocol;
        var name = IpProtocol.NameOf(protocol);
        return IpProtocol.HasPorts(protocol) || IpProtocol.IsIcmp(protocol) ? string.Create(CultureInfo.InvariantCulture, $"{name}/{flow.Port}") : name;
    }

    /// <summary>Whoever names a program must not write to the terminal of whoever looks.</summary>
    private static string Plain(string text) => string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));

    private static string? Filled(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
