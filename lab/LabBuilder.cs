using System.Runtime.InteropServices;

namespace Bulkhead.Lab;

/// <summary>Builds a lab up from nothing, and takes any remains of one down to nothing.</summary>
internal sealed class LabBuilder(LabOptions options, Action<string> progress)
{
    private Cgroup Tools => options.Cgroup.Child("tools.scope");

    /// <summary>Whether the lab's folder holds nothing of a lab.</summary>
    public bool FolderIsEmpty => !Remains().Any();

    public async Task<LabState> BuildAsync(LabDeclaration declared, string text, CancellationToken cancellationToken)
    {
        var selected = declared.Only(options.Hosts ?? declared.Hosts.Select(host => host.Name).ToHashSet());
        Tools.Create();
        await File.WriteAllTextAsync(Path.Combine(options.Folder, "lab.yaml"), text, cancellationToken);
        var fabric = await Fabric.CreateAsync(options, Tools, cancellationToken);
        progress($"lab {options.Id}: {fabric.Network.Ipv4} and {fabric.Network.Ipv6}, gateway {fabric.Network.GatewayIpv4}");

        var state = new LabState(fabric.Network.Number, [.. selected.Hosts.Select(host => host.Name)], IsUp: false);
        var hosts = RunningLab.HostsOf(options, declared, state);
        var build = new LabBuild(selected, options.Folder, Tools, hosts);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount * 2, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(hosts, parallel, async (host, token) => await BootAsync(host, fabric, build, token));
        await Parallel.ForEachAsync(hosts, parallel, async (host, token) => await ServeAsync(host, build, token));
        return state with { IsUp = true };
    }

    /// <summary>Removes everything that bears the lab's id, whatever state it is in.</summary>
    public async Task RemoveAsync()
    {
        await options.Cgroup.KillAsync(CancellationToken.None);
        Tools.Create();
        await Fabric.RemoveUplinkAsync(options, Tools, CancellationToken.None);
        await options.Cgroup.RemoveAsync(CancellationToken.None);
        foreach (var entry in Remains())
        {
            if (entry is DirectoryInfo folder)
            {
                folder.Delete(recursive: true);
            }
            else
            {
                entry.Delete();
            }
        }
    }

    private IEnumerable<FileSystemInfo> Remains() =>
        new DirectoryInfo(options.Folder).EnumerateFileSystemInfos().Where(entry => entry.Name != "lock");

    private static async Task BootAsync(LabHost host, Fabric fabric, LabBuild build, CancellationToken cancellationToken)
    {
        var etc = OpenFolder.Create(Path.Combine(host.Folder, "etc"));
        OpenFolder.Create(Path.Combine(host.Folder, "run"));
        var resolver = build.Hosts.FirstOrDefault(candidate => candidate.Declaration.Daemons.Contains("dnsmasq"));
        WriteText("machine-id", host.MachineId + "\n");
        WriteText("hostname", host.Name + "\n");
        WriteText("hosts", "127.0.0.1 localhost\n::1 localhost\n" + Dnsmasq.HostsFile(resolver is null ? build.Hosts : [host]));
        WriteText("passwd", NameService.Users(build.Declaration.People));
        WriteText("group", NameService.Groups(build.Declaration.People));
        WriteText("resolv.conf", resolver is null ? "" : $"nameserver {resolver.Ipv4}\noptions timeout:1 attempts:2\n");

        host.InitCgroup.Create();
        var init = Path.Combine(host.Folder, "init.sh");
        await using (var script = typeof(LabBuilder).Assembly.GetManifestResourceStream("host-init.sh")!)
        await using (var file = File.Create(init))
        {
            await script.CopyToAsync(file, cancellationToken);
        }

        var runtime = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        await new Invocation(
            "unshare", "--net", "--mount", "--uts", "--propagation", "private",
            "/bin/sh", init, host.Folder, host.Name, AppContext.BaseDirectory, runtime)
        { Cgroup = host.InitCgroup }.StartUntilFirstLineAsync(cancellationToken);
        await fabric.ConnectAsync(host, cancellationToken);

        void WriteText(string name, string text) => OpenFolder.Write(Path.Combine(etc, name), text);
    }

    private async Task ServeAsync(LabHost host, LabBuild build, CancellationToken cancellationToken)
    {
        await Task.WhenAll(host.Declaration.Daemons.Select(daemon => StartAsync(host, build, DaemonKind.All[daemon], cancellationToken)));
        progress($"{host.Name,-10} {host.Ipv4,-14} {host.Ipv6,-20} {string.Join(", ", host.Declaration.Daemons)}");
    }

    private static async Task StartAsync(LabHost host, LabBuild build, DaemonKind kind, CancellationToken cancellationToken)
    {
        var setup = new DaemonSetup(build, host, kind);
        Directory.CreateDirectory(setup.Folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        setup.User.Own(setup.Folder);
        await new DaemonStart(await kind.PrepareAsync(setup, cancellationToken)).RunAsync(host, kind, cancellationToken);
    }
}
