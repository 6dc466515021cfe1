using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Agent.Linux.Sockets;
using Bulkhead.Agent.Reporting;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>What the running agent shows and tells while somebody watches; needs root.</summary>
public sealed class FlowsTests : AgentProcessTests
{
    [Fact]
    public async Task Flows_shows_connections_with_process_verdict_and_rule_until_it_is_interrupted()
    {
        Controller.Push(WirePolicies.Policy(2));
        Start();
        await AppliedAsync(2);
        var lines = new List<string>();
        using var follow = Launch("flows", "--follow", "--output", "json", "--state", State);
        follow.OutputDataReceived += (_, line) =>
        {
            lock (lines)
            {
                lines.Add(line.Data ?? "");
            }
        };
        follow.BeginOutputReadLine();

        // Each try is a connection; those before it follows are not shown.
        await Eventually.Holds(async () => await ReachableAsync() && Shown(lines) is not null, "the connection is shown");
        var flow = Shown(lines)!.Value;
        Assert.Equal(("in", "10.78.0.2", (uint)Environment.ProcessId), (flow.GetProperty("direction").GetString(), flow.GetProperty("remote").GetString(), flow.GetProperty("pid").GetUInt32()));
        Assert.InRange(flow.GetProperty("milliseconds").GetInt32(), 1, 5000);
        Assert.Contains(flow.GetProperty("verdict").GetString(), new[] { "allowed", "potentiallyBlocked" });

        using var interrupt = Process.Start("kill", ["-INT", $"{follow.Id}"]);
        await follow.WaitForExitAsync();
        Assert.Equal(0, follow.ExitCode);
        await Eventually.Holds(() => Controller.States.Last().Telemetry is { WindowMs: 10_000 }, "windows are as long as usual again");
    }

    [Fact]
    public async Task While_the_controller_says_that_somebody_watches_windows_last_a_second()
    {
        Controller.Push(WirePolicies.Policy(2));
        Start();
        await AppliedAsync(2);
        Controller.Send(new ServerMessage { Watch = new Watch { Seconds = 300 } });
        await Eventually.Holds(() => Controller.States.Last().Telemetry is { WindowMs: 1000 }, "the agent says so");
        await Eventually.Holds(async () => await ReachableAsync() && Controller.Flows.Any(batch => batch.WindowMs < 5000 && batch.Flows.Count > 0), "a short window arrives");
        Assert.All(Controller.Flows, batch => Assert.True(batch.AgeMs >= batch.WindowMs));
        Controller.Send(new ServerMessage { Watch = new Watch() });
        await Eventually.Holds(() => Controller.States.Last().Telemetry is { WindowMs: 10_000 }, "it is over");
    }

    [Fact]
    public async Task What_is_asked_before_connections_are_tracked_and_answered_after_is_told_as_what_was_asked()
    {
        var exchanges = new DatagramExchanges(Hosts, 8053, 8054);
        Start();
        await Eventually.Holds(() => !Controller.States.IsEmpty, "the agent reports");
        Controller.Send(new ServerMessage { Watch = new Watch { Seconds = 300 } });
        await exchanges.AskAsync();
        Controller.Push(WirePolicies.Policy(2));
        await AppliedAsync(2);
        await exchanges.AnswerAsync();
        FlowSummary[] Datagrams() => [.. Controller.Flows.SelectMany(batch => batch.Flows).Where(flow => flow.Protocol == 17)];
        await Eventually.Holds(() => Datagrams().Sum(flow => (long)flow.Connections) >= 2, "both are told");
        Assert.Equal([(Direction.Inbound, 8053U), (Direction.Outbound, 8054U)], Datagrams().Select(flow => (flow.Direction, flow.Port)).Distinct().Order());
    }

    [Fact]
    public async Task Sessions_over_the_network_are_told_by_who_serves_them_at_whatever_port()
    {
        var server = Folder["sshd"];
        File.Copy("/usr/bin/socat", server);
        using var sshd = Hosts.Host.Inside(() => Process.Start(server, ["TCP-LISTEN:2222,reuseaddr", "EXEC:cat"]));
        try
        {
            using var sockets = Hosts.Host.Inside(SocketDiagnostics.Open);
            var cgroups = CgroupTree.Open(null);
            var listeners = new ListenerTable(sockets, new ProcessTable(cgroups, new UserNames()), TimeProvider.System);
            await Eventually.Holds(() => Known(listeners), "it listens");
            var sessions = new UserSessions(cgroups, () => listeners.Current, Folder["no-utmp"]);
            Assert.Empty(Hosts.Host.Inside(sessions.Read));

            using var client = Hosts.Peer.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            await client.ConnectAsync(TwoHosts.HostAddress(false), 2222);
            await client.SendAsync(new byte[1]);
            await client.ReceiveAsync(new byte[1]);

            var session = Assert.Single(Hosts.Host.Inside(sessions.Read));
            Assert.Equal(("ssh", "10.78.0.2", (ushort)2222), (session.Kind, session.Remote.ToString(), session.Port));
            Assert.Equal(session, Assert.Single(Hosts.Host.Inside(sessions.Read)));
        }
        finally
        {
            sshd.Kill(entireProcessTree: true);
        }
    }

    private static bool Known(ListenerTable listeners)
    {
        listeners.Refresh();
        return listeners.Current.Any(listener => listener.Port == 2222 && listener.Process is not null);
    }

    private static JsonElement? Shown(List<string> lines)
    {
        lock (lines)
        {
            return lines.Where(line => line.Length > 0).Select(line => (JsonElement?)JsonDocument.Parse(line).RootElement).FirstOrDefault(line => line!.Value.GetProperty("port").GetString() == "tcp/80");
        }
    }
}
