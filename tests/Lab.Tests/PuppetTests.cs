using System.Net;

namespace Bulkhead.Lab.Tests;

[Collection("real labs")]
public sealed class PuppetTests(SmallLab small) : IClassFixture<SmallLab>
{
    private const string Program = "/run/test/app";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private RunningLab Lab => small.Lab;

    [Fact]
    public async Task A_puppet_is_of_its_unit_its_executable_and_its_user_and_so_are_its_workers()
    {
        var host = Lab["app1"];
        var ann = Lab.Person("ann");
        await host.InstallAsync(Program, Puppet.Perl, CancellationToken.None);
        await using var puppet = await Puppet.StartAsync(host, new("shop.service/inner") { Program = Program, Login = ann.Id, User = ann.Id }, CancellationToken.None);
        await puppet.ServeAsync("tcp", 7001, CancellationToken.None);

        var pids = host.Cgroup.Child("shop.service/inner").Processes();
        Assert.Equal(3, pids.Count);
        Assert.All(pids, pid =>
        {
            Assert.Equal(Program, new FileInfo($"/proc/{pid}/exe").LinkTarget);
            Assert.Equal($"{ann.Id}", File.ReadAllText($"/proc/{pid}/loginuid"));
            Assert.Contains($"\nUid:\t{ann.Id}\t{ann.Id}\t{ann.Id}\t{ann.Id}\n", File.ReadAllText($"/proc/{pid}/status"), StringComparison.Ordinal);
        });
        Assert.Contains(",ann\n", "," + (await host.RunAsync(["getent", "group", "dba"], CancellationToken.None)).Output.Split(':')[^1], StringComparison.Ordinal);
        Assert.Equal("ann\n", (await host.RunAsync(["id", "-un"], ann.Id, CancellationToken.None)).Output);
    }

    [Theory]
    [InlineData("tcp", 7011)]
    [InlineData("udp", 7012)]
    public async Task A_puppet_connects_by_itself_and_by_workers_to_what_another_serves(string transport, int port)
    {
        var (web, app) = (Lab["web1"], Lab["app1"]);
        await using var server = await Puppet.StartAsync(app, new("server.service"), CancellationToken.None);
        await server.ServeAsync(transport, port, CancellationToken.None);
        await using var client = await Puppet.StartAsync(web, new("client.service"), CancellationToken.None);

        var attempts = await Task.WhenAll(
            from ipv6 in (bool[])[false, true]
            from byWorker in (bool[])[false, true]
            select client.ConnectAsync(transport, new(app.Address(ipv6), port), byWorker, Patience, CancellationToken.None));
        var refused = await client.ConnectAsync(transport, new(app.Ipv4, port + 100), byWorker: true, Patience, CancellationToken.None);

        Assert.All(attempts, outcome => Assert.Equal(ProbeOutcome.Connected, outcome));
        Assert.Equal(ProbeOutcome.Refused, refused);
    }

    [Fact]
    public async Task What_a_puppet_that_is_ended_was_trying_is_told_and_nothing_of_it_is_left()
    {
        var host = Lab["web1"];
        var puppet = await Puppet.StartAsync(host, new("gone.service"), CancellationToken.None);
        // Nothing answers at the bridge's own network but hosts.
        var trying = puppet.ConnectAsync("tcp", new IPEndPoint(Lab.Network.HostIpv4(200), 1), byWorker: false, TimeSpan.FromMinutes(1), CancellationToken.None);

        await puppet.EndUnitAsync();

        await Assert.ThrowsAsync<LabException>(() => trying);
        Assert.False(host.Service("gone").Exists);
    }

    [Fact]
    public async Task A_daemon_that_is_started_again_answers_from_a_new_cgroup_of_its_unit()
    {
        var cache = Lab.FindService("cache1/redis");
        var before = cache.Host.Service("redis").Processes();

        await RunningLab.RestartAsync(cache.Host, "redis", CancellationToken.None);

        Assert.Empty(before.Intersect(cache.Host.Service("redis").Processes()));
        Assert.Equal(ProbeOutcome.Connected, (await Lab["web1"].TryConnectAsync(cache.EndPoint(ipv6: true), Patience, CancellationToken.None)).Outcome);
        await Assert.ThrowsAsync<LabException>(() => RunningLab.RestartAsync(cache.Host, "nginx", CancellationToken.None));
    }
}
