using System.Diagnostics;

namespace Bulkhead.Lab.Tests;

[Collection("real labs")]
public sealed class LifecycleTests : IDisposable
{
    private const string OneHost = "hosts: { cache1: { daemons: [redis] } }";

    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-lab-tests-").FullName;

    [Fact]
    public async Task A_lab_leaves_nothing_behind_and_going_down_twice_is_no_mistake()
    {
        var options = SmallLab.Options(_folder, "a");
        await RunningLab.UpAsync(options, _ => { }, CancellationToken.None);
        Assert.NotEmpty(Traces(options));

        await RunningLab.DownAsync(options);
        Assert.Empty(Traces(options));

        await RunningLab.DownAsync(options);
        Assert.Empty(Traces(options));
        Assert.Throws<LabException>(() => RunningLab.Attach(options));
    }

    [Theory]
    [InlineData("down")]
    [InlineData("up")]
    public async Task What_remains_of_a_builder_that_was_killed_is_removed(string next)
    {
        var options = SmallLab.Options(_folder, "b");
        using (var builder = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "lab"))
        {
            ArgumentList = { "up", "--id", options.Id, "--file", options.File! },
            RedirectStandardOutput = true,
        })!)
        {
            await builder.StandardOutput.ReadLineAsync();
            builder.Kill();
            await builder.WaitForExitAsync();
        }

        Assert.NotEmpty(Traces(options));
        if (next == "up")
        {
            var lab = await RunningLab.UpAsync(options, _ => { }, CancellationToken.None);
            Assert.All(lab.Status(), host => Assert.All(host.Daemons, daemon => Assert.True(daemon.IsUp)));
        }

        await RunningLab.DownAsync(options);
        Assert.Empty(Traces(options));
    }

    [Fact]
    public async Task A_lab_that_fails_to_come_up_is_taken_down()
    {
        var options = SmallLab.Options(_folder, "c", OneHost);
        using var cancel = new CancellationTokenSource();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunningLab.UpAsync(options, _ => cancel.Cancel(), cancel.Token));

        Assert.Empty(Traces(options));
    }

    [Fact]
    public async Task Mistakes_in_the_file_are_told_and_change_nothing()
    {
        var options = SmallLab.Options(_folder, "d", "hosts: { A: {}, b: { daemons: [x] } }");

        var error = await Assert.ThrowsAsync<LabException>(() => RunningLab.UpAsync(options, _ => { }, CancellationToken.None));

        Assert.Contains("[host-name]", error.Message, StringComparison.Ordinal);
        Assert.Contains("[unknown-daemon]", error.Message, StringComparison.Ordinal);
        Assert.Empty(Traces(options));
    }

    [Fact]
    public async Task Files_that_are_not_there_are_named()
    {
        var options = SmallLab.Options(_folder, "h", OneHost);
        var missing = Path.Combine(_folder, "missing");

        var noLabFile = await Assert.ThrowsAsync<LabException>(() => RunningLab.UpAsync(options with { File = missing }, _ => { }, CancellationToken.None));
        var lab = await RunningLab.UpAsync(options, _ => { }, CancellationToken.None);
        var noAgent = await Assert.ThrowsAsync<LabException>(() => lab.Agents.StartAsync(new(missing, new("https://198.18.0.1:8444"), "ab12", options.File!), null, CancellationToken.None));
        await lab.DownAsync();

        Assert.All([noLabFile, noAgent], error => Assert.Contains(missing, error.Message, StringComparison.Ordinal));
        Assert.Empty(Traces(options));
    }

    [Fact]
    public async Task A_folder_that_daemons_could_not_reach_is_refused()
    {
        var options = new LabOptions("closed", Path.Combine(_folder, "closed"));

        var error = await Assert.ThrowsAsync<LabException>(() => RunningLab.UpAsync(options, _ => { }, CancellationToken.None));

        Assert.Contains(_folder, error.Message, StringComparison.Ordinal);
        Assert.Empty(Traces(options));
    }

    [Fact]
    public async Task A_running_lab_is_not_replaced_from_another_folder()
    {
        var options = SmallLab.Options(_folder, "g", OneHost);
        var other = new LabOptions(options.Id, options.Folder + "-other") { File = options.File };
        var lab = await RunningLab.UpAsync(options, _ => { }, CancellationToken.None);

        var error = await Assert.ThrowsAsync<LabException>(() => RunningLab.UpAsync(other, _ => { }, CancellationToken.None));

        Assert.Contains(other.Folder, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(other.Folder));
        Assert.All(lab.Status(), host => Assert.True(host.IsUp));
        await lab.DownAsync();
        Assert.Empty(Traces(options));
    }

    [Fact]
    public async Task Two_labs_that_would_take_the_same_network_run_side_by_side()
    {
        var first = SmallLab.Options(_folder, "e", OneHost);
        var second = Enumerable.Range(0, 100_000)
            .Select(number => new LabOptions($"r{number}") { File = first.File })
            .First(options => LabNetwork.Preferred(options.Id) == LabNetwork.Preferred(first.Id));

        var labs = await Task.WhenAll(new[] { first, second }.Select(options => RunningLab.UpAsync(options, _ => { }, CancellationToken.None)));

        Assert.NotEqual(labs[0].Network, labs[1].Network);
        foreach (var lab in labs)
        {
            var cache = lab.FindService("cache1/redis");
            Assert.All(new[] { false, true }, ipv6 => Assert.NotEqual(labs[0].Hosts[0].Address(ipv6), labs[1].Hosts[0].Address(ipv6)));
            await using (await HeldConnection.OpenAsync(lab["cache1"], cache, ipv6: true, CancellationToken.None))
            {
            }
        }

        await labs[0].DownAsync();
        Assert.All(labs[1].Status(), host => Assert.True(host.Daemons[0].IsUp));
        await labs[1].DownAsync();
        Assert.Empty(Traces(first).Concat(Traces(second)));
    }

    [Fact]
    public async Task Agents_are_paired_once_and_survive_nothing_but_are_started_again()
    {
        var options = SmallLab.Options(_folder, "f", OneHost);
        var program = Path.Combine(_folder, "agent");
        var key = Path.Combine(_folder, "key");
        await File.WriteAllTextAsync(key, "secret key");
        await File.WriteAllTextAsync(program, """
            #!/bin/sh
            # Stands in for the agent: writes down how it was called.
            command=$1
            for argument; do
              [ "$previous" != --state ] || state=$argument
              [ "$previous" != --key-file ] || key=$(cat "$argument")
              previous=$argument
            done
            mkdir -p "$state"
            echo "$(hostname) $key $*" >> "$state/$command"
            [ "$command" = pair ] || exec sleep infinity
            """);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var lab = await RunningLab.UpAsync(options, _ => { }, CancellationToken.None);
        try
        {
            var host = lab["cache1"];
            await lab.Agents.StartAsync(new(program, new("https://198.18.0.1:8444"), "ab12", key), null, CancellationToken.None);
            await AgentRanAsync(host, 1);
            Assert.True(LabAgents.IsUp(host));
            await lab.Agents.KillAsync(null, CancellationToken.None);
            Assert.False(LabAgents.IsUp(host));
            await lab.Agents.StartAsync(null, [host], CancellationToken.None);
            await AgentRanAsync(host, 2);
            Assert.True(LabAgents.IsUp(host));
            await lab.Agents.StopAsync([host], CancellationToken.None);
            Assert.False(LabAgents.IsUp(host));

            var state = Path.Combine(host.Folder, "agent");
            var keyCopy = Path.Combine(host.Folder, "agent-home", "pairing-key");
            Assert.Equal(
                [$"cache1 secret key pair --controller https://198.18.0.1:8444 --ca-sha256 ab12 --key-file {keyCopy} --hardware-uuid {host.HardwareUuid} --name cache1 --state {state}"],
                await File.ReadAllLinesAsync(Path.Combine(state, "pair")));
            Assert.False(File.Exists(keyCopy));
            Assert.All(
                await File.ReadAllLinesAsync(Path.Combine(state, "run")),
                line => Assert.Equal($"cache1  run --cgroup {host.Cgroup.Path} --runtime /run/bulkhead --state {state}", line));
        }
        finally
        {
            await lab.DownAsync();
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Task AgentRanAsync(LabHost host, int times)
    {
        var calls = Path.Combine(host.Folder, "agent", "run");
        return Deadline.UntilAsync(
            () => ValueTask.FromResult(File.Exists(calls) && File.ReadAllLines(calls).Length == times),
            TimeSpan.FromSeconds(30), "the agent did not run", CancellationToken.None);
    }

    /// <summary>Whatever on this machine bears the lab's id or lies in its folder.</summary>
    private static IEnumerable<string> Traces(LabOptions options)
    {
        string[] places = [options.Folder, options.Cgroup.Path, "/sys/class/net/" + options.UplinkInterface];
        return places.Where(Directory.Exists)
            .Concat(File.ReadAllLines("/proc/mounts").Where(mount => mount.Contains(options.Folder, StringComparison.Ordinal)))
            .Concat(Directory.GetDirectories("/proc").Where(process => CommandLine(process).Contains(options.Folder + "/", StringComparison.Ordinal)));
    }

    private static string CommandLine(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
