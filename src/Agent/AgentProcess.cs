using System.Text;
using Bulkhead.Agent.Blocks;
using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Live;
using Bulkhead.Agent.Names;
using Bulkhead.Agent.Policies;
using Bulkhead.Agent.Reporting;
using Bulkhead.Agent.Spool;
using Bulkhead.Agent.State;
using Bulkhead.Agent.Telemetry;
using Bulkhead.Contracts.Agent;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent;

/// <summary>
/// The agent's parts and how they are joined.
/// <code>
///   controller ◄──────── ControllerLink ────────► PolicyReceiver ──► PolicyLoop ──► kernel, cache
///        ▲                  ▲        ▲                                   │
///        │            FlowUploader  StateReporter ◄── problems, state ───┤
///        │                  ▲        ▲                                   ▼
///   CertificateRenewal  FlowSpool ◄─ TelemetryLoop ◄── kernel       StatusWriter
/// </code>
/// </summary>
internal static class AgentProcess
{
    private const long SpoolCapacity = 64 << 20;

    /// <summary>
    /// Puts the cached policy in force and returns whether that went well. If the kernel refuses it, the directions that were enforced are shut but for
    /// essential and fail-safe connections, so that a failure at boot opens nothing; the agent tries the policy again. The kernel needs no identity: where
    /// that is damaged, it is told so only once the policy is in force.
    /// </summary>
    /// <exception cref="AgentException">The host is not paired, its identity is damaged, or an agent runs.</exception>
    public static async Task<bool> ApplyAsync(StateDirectory state, string? cgroup, uint markMask, TimeProvider time, ILogger log, CancellationToken cancel)
    {
        var (identity, damage) = LoadIdentity(state);
        state = StateDirectory.Create(state.Root);
        using var only = state.Lock();
        var cgroups = CgroupTree.Open(cgroup);
        using var authority = identity?.ToAuthority();
        var problems = new Problems(() => { });
        using var owners = Owners(state, cgroup, markMask, problems, log);
        using var firewall = FirewallDriver.Open(new NameLookupReader(cgroups.Path) { ControllerPort = (ushort?)identity?.Controller.Port }.Read, owners);
        var features = await firewall.ProbeAsync();
        using var policies = new PolicyLoop(state, firewall, features, markMask, authority, identity?.ToEndpoint(), new OwnConnections(time), problems, () => { }, time, log);
        await policies.StartAsync(cancel);
        return damage is null ? !policies.Failed : throw damage;
    }

    /// <summary>Runs until cancelled. The cached policy is in force before anything else begins.</summary>
    /// <param name="state">The agent's folder.</param>
    /// <param name="cgroup">The host's root in cgroup v2, or null for the whole hierarchy.</param>
    /// <param name="markMask">The bits of socket marks that are the agent's own.</param>
    /// <param name="runtime">Where users are shown their own blocks, or null for nowhere.</param>
    /// <param name="cpuPercent">The share of one core beyond which telemetry does with less.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">The log.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="AgentException">The host is not paired, or another agent runs.</exception>
    public static async Task RunAsync(StateDirectory state, string? cgroup, uint markMask, string? runtime, int cpuPercent, TimeProvider time, ILogger log, CancellationToken cancel)
    {
        if (LoadIdentity(state).Identity is not { } identity)
        {
            await ApplyAsync(state, cgroup, markMask, time, log, cancel);
            return;
        }

        state = StateDirectory.Create(state.Root);
        using var only = state.Lock();
        var cgroups = CgroupTree.Open(cgroup);
        log.Starting(HostFacts.Version, identity.WorkloadId, identity.Controller.Authority);

        var (toReport, toWrite) = (new Signal(), new Signal());
        void Changed()
        {
            toReport.Set();
            toWrite.Set();
        }

        var problems = new Problems(Changed);
        var own = new OwnConnections(time);
        using var link = new ControllerLink(identity, own);
        using var authority = identity.ToAuthority();
        using var owners = Owners(state, cgroup, markMask, problems, log);
        var gap = new TrackingGap(time);
        using var firewall = FirewallDriver.Open(new NameLookupReader(cgroups.Path) { ControllerPort = (ushort)identity.Controller.Port }.Read, owners, gap);
        var features = await firewall.ProbeAsync();
        using var policies = new PolicyLoop(state, firewall, features, markMask, authority, identity.ToEndpoint(), own, problems, Changed, time, log);
        using var watch = firewall.Watch(policies.Inbox.ReportTampering, policies.Inbox.ReportDoubt);
        using var ownerWatch = owners.Watch(policies.Inbox.ReportOwners, time);
        using var programWatch = firewall.WatchOwners(policies.Inbox.ReportPrograms, time);
        await policies.StartAsync(cancel);

        var spool = new FlowSpool(state.Spool, SpoolCapacity, log);
        var pace = new WindowPace(cpuPercent / 100.0, () => Environment.CpuUsage.TotalTime, Changed, time);
        var names = new NameTable(NameTable.Standard, time);
        var followers = new FlowFollowers(state.Flows, pace, log);
        var outlet = new FlowOutlet(spool, names, followers, BootClock.System, log);
        var blocks = new BlockJournal(time);
        void Blocked(BlockedPacket packet, FlowKey? flow)
        {
            own.Blocked(packet);
            blocks.Add(packet, flow);
        }

        var telemetry = new TelemetryLoop(cgroups, outlet, pace, firewall.ConntrackPort, policies.Inbox.ReportLostConnections, toReport.Set, Blocked, problems, time, log, markMask: markMask) { Gap = gap };
        using var addresses = new AddressWatch(current =>
        {
            telemetry.Addresses = current;
            Changed();
        });
        var conntrack = new ConntrackWatch(new ConntrackCounts(), problems, time, log);
        var reporter = new StateReporter(link, features, policies, problems, () => addresses.Current, () => telemetry.Listeners, new UserSessions(cgroups.Copy(), () => telemetry.Listeners), () => pace.ToWire(telemetry.Lost), conntrack, toReport, time, log) { PeersChanged = toWrite.Set };
        var status = new StatusWriter(state, link, policies, problems, spool, telemetry, pace, reporter.Peers, conntrack, toWrite, time, log);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var receiver = new PolicyReceiver(link, policies.Inbox.Offer, Changed, problems, time, log) { ReceivedDelta = policies.Inbox.Offer, Watched = pace.Watch };
        policies.AskForWhole = receiver.Restart;
        Task[] parts =
        [
            policies.RunAsync(stop.Token),
            telemetry.RunAsync(stop.Token),
            followers.RunAsync(stop.Token),
            new DnsWatch(names, pace).RunAsync(stop.Token),
            receiver.RunAsync(stop.Token),
            new FlowUploader(spool, link, BootClock.System, time, log).RunAsync(stop.Token),
            new CertificateRenewal(link, state, problems, time, log).RunAsync(stop.Token),
            reporter.RunAsync(stop.Token),
            conntrack.RunAsync(stop.Token),
            .. runtime is null ? Array.Empty<Task>() : [new BlockPublisher(blocks, new BlockFiles(runtime), new RuleNames(link, time), problems, time).RunAsync(stop.Token)],
            status.RunAsync(stop.Token),
        ];
        await Task.WhenAny(parts);
        log.Stopping();
        await stop.CancelAsync();
        try
        {
            await Task.WhenAll(parts);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // That is how the parts end.
        }
    }

    private static (Identity? Identity, AgentException? Damage) LoadIdentity(StateDirectory state)
    {
        try
        {
            return (Identity.Load(state), null);
        }
        catch (AgentException damage) when (damage.Code == Identity.Damaged)
        {
            return (null, damage);
        }
    }

    /// <summary>What tells owners of sockets apart; says so if executables cannot be. Where our programs go is kept for whoever takes them off.</summary>
    private static SocketOwners Owners(StateDirectory state, string? cgroup, uint markMask, Problems problems, ILogger log)
    {
        var tree = CgroupTree.Open(cgroup);
        DurableFile.Write(state.Cgroup, Encoding.UTF8.GetBytes(tree.Root));
        var owners = new SocketOwners(tree, markMask);
        if (owners.Refusal is { } refusal)
        {
            log.SocketsNotStamped(refusal);
            problems.Set("socket-owners", new Failure
            {
                Code = "executables-not-enforceable",
                Message = $"Rules for executables and users cannot be enforced on this host, and are left out here, never widened. {refusal}",
                Remedy = "Use a kernel of 5.10 or newer with BTF, install libbpf1, and give the agent CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN; rules for units work without.",
            });
        }

        return owners;
    }
}
