using System.Net;

namespace Bulkhead.Lab.Tests;

[Collection("real labs")]
public sealed class RunningLabTests(SmallLab small) : IClassFixture<SmallLab>
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private RunningLab Lab => small.Lab;

    [Fact]
    public async Task A_request_runs_through_every_daemon()
    {
        using var client = Lab["cache1"].CreateHttpClient(Timeout);

        var answer = await client.GetStringAsync(new Uri($"http://{Lab["web1"].Ipv4}/"));

        Assert.Matches(@"^app1\nredis cache1.ipv6: \d+ visits\n$", answer);
    }

    [Fact]
    public void Links_name_the_processes_that_run()
    {
        Assert.Equal(
            [
                "web1 nginx -> app1 appserver 8080/tcp False", "app1 appserver -> cache1 redis-server 6379/tcp True",
                .. new[] { "web1", "app1", "cache1" }.Select(host => $"{host} bulkhead-agent -> controller bulkhead-controller 8444/tcp False"),
            ],
            Lab.Links.Select(link => $"{link.From.Host} {link.From.Process} -> {link.To.Host} {link.To.Process} {link.Port}/{link.Protocol} {link.Ipv6}"));
        Assert.All(
            Lab.Links.SelectMany(link => new[] { link.From, link.To }).Where(end => Lab.Hosts.Any(host => host.Name == end.Host) && end.Daemon != "bulkhead-agent"),
            end => Assert.All(
                Lab[end.Host].Service(end.Daemon).Processes(),
                pid => Assert.Equal(end.Executable, new FileInfo($"/proc/{pid}/exe").LinkTarget)));
    }

    [Fact]
    public void Daemons_are_up_and_unprivileged()
    {
        var hosts = Lab.Status();

        Assert.Equal(["web1 nginx", "app1 appserver", "cache1 redis"], hosts.SelectMany(host => host.Daemons, (host, daemon) => $"{host.Name} {daemon.Name}"));
        Assert.All(hosts.SelectMany(host => host.Daemons), daemon => Assert.DoesNotContain("\nUid:\t0\t", File.ReadAllText($"/proc/{daemon.Pid}/status"), StringComparison.Ordinal));
        Assert.All(hosts, host => Assert.False(host.Agent.IsUp));
    }

    [Fact]
    public async Task A_host_has_a_name_an_identity_and_a_cgroup_of_its_own()
    {
        var seen = new List<string>();
        foreach (var host in Lab.Hosts)
        {
            var result = await host.RunAsync(["sh", "-c", "hostname; cat /etc/machine-id; tail -n 1 /proc/self/cgroup; ls /sys/class/net > /dev/null"], CancellationToken.None);
            Assert.Equal(0, result.ExitCode);
            Assert.Equal($"{host.Name}\n{host.MachineId}\n0::/bulkhead-lab-{Lab.Id}/{host.Name}/exec.scope\n", result.Output);
            seen.Add(host.MachineId);
            seen.Add(host.HardwareUuid);
        }

        Assert.Equal(seen.Count, seen.Distinct().Count());
    }

    [Fact]
    public async Task The_gateway_reaches_hosts_and_hosts_reach_nothing_else()
    {
        var app = Lab.FindService("app1/appserver");
        using var client = new HttpClient { Timeout = Timeout };
        Assert.Equal("ok\n", await client.GetStringAsync(new Uri($"http://{app.EndPoint(ipv6: false)}/health")));
        Assert.Equal("ok\n", await client.GetStringAsync(new Uri($"http://{app.EndPoint(ipv6: true)}/health")));

        var outside = await Lab["web1"].TryConnectAsync(new(IPAddress.Parse("192.0.2.1"), 80), Timeout, CancellationToken.None);
        Assert.Equal(ProbeOutcome.Refused, outside.Outcome);
    }

    [Fact]
    public async Task A_second_up_says_that_the_lab_is_up()
    {
        var options = new LabOptions(Lab.Id, Lab.Folder);

        var error = await Assert.ThrowsAsync<LabException>(() => RunningLab.UpAsync(options, _ => { }, CancellationToken.None));

        Assert.Contains("already up", error.Message, StringComparison.Ordinal);
        Assert.All(RunningLab.Attach(options).Status(), host => Assert.True(host.IsUp));
    }

    [Fact]
    public async Task Attacks_probes_and_held_connections_tell_open_refused_and_dropped_apart()
    {
        var cache = Lab.FindService("cache1/redis");
        var attack = Assert.Single(await Attack.RunAsync(Lab, null, null, ipv6: true, CancellationToken.None));
        Assert.Equal((ProbeOutcome.Connected, "+PONG"), (attack.Result.Outcome, attack.Result.Answer));

        await using var held = await HeldConnection.OpenAsync(Lab["web1"], cache, ipv6: false, CancellationToken.None);
        await NftAsync("cache1", "add table inet t; add chain inet t i { type filter hook input priority 0; }");
        var refused = await Lab["web1"].TryConnectAsync(new(Lab["cache1"].Ipv4, 1), Timeout, CancellationToken.None);
        Assert.Equal(ProbeOutcome.Refused, refused.Outcome);

        await NftAsync("cache1", "add rule inet t i ip saddr " + Lab["web1"].Ipv4 + " tcp dport 6379 drop");
        using var probe = ContinuousProbe.Start(
            [new(Lab["web1"], cache.EndPoint(ipv6: false), Allowed: false), new(Lab["app1"], cache.EndPoint(ipv6: false), Allowed: true), new(Lab["web1"], cache.EndPoint(ipv6: true), Allowed: false)],
            TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(2));

        var death = await held.Death;
        var summaries = await probe.StopAsync();
        await NftAsync("cache1", "delete table inet t");

        Assert.Equal(ConnectionEnd.Silent, death.How);
        Assert.Equal([0, 0, summaries[2].Attempts], summaries.Select(summary => summary.Violations));
        Assert.Equal([ProbeOutcome.Timeout, ProbeOutcome.Connected, ProbeOutcome.Connected], summaries.Select(summary => summary.Outcomes.Keys.Single()));
        Assert.All(summaries, summary => Assert.True(summary.Attempts > 10));
    }

    private async Task NftAsync(string host, string commands)
    {
        var result = await Lab[host].RunAsync(["nft", commands], CancellationToken.None);
        Assert.True(result.ExitCode == 0, result.Error);
    }
}
