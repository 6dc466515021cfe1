using System.Net;
using System.Net.Sockets;

namespace Bulkhead.Lab;

/// <summary>A host of a running lab: network, mount and UTS namespaces, addresses, a cgroup and a folder of its own.</summary>
public sealed class LabHost
{
    internal LabHost(string lab, string labFolder, Cgroup labCgroup, LabNetwork network, HostDeclaration declaration, int index)
    {
        Declaration = declaration;
        Ipv4 = network.HostIpv4(index);
        Ipv6 = network.HostIpv6(index);
        Folder = Path.Combine(labFolder, "hosts", declaration.Name);
        Cgroup = labCgroup.Child(declaration.Name);
        MachineId = HostIdentity.Of(lab, declaration.Name, "machine-id").ToString("N");
        HardwareUuid = HostIdentity.Of(lab, declaration.Name, "hardware-uuid").ToString("D");
    }

    /// <summary>The host's name, which is its host name, DNS name and cgroup name.</summary>
    public string Name => Declaration.Name;

    /// <summary>What the lab file says of it.</summary>
    public HostDeclaration Declaration { get; }

    /// <summary>Its IPv4 address.</summary>
    public IPAddress Ipv4 { get; }

    /// <summary>Its IPv6 address.</summary>
    public IPAddress Ipv6 { get; }

    /// <summary>What its <c>/etc/machine-id</c> holds; the same each time this host of a lab of this id is brought up.</summary>
    public string MachineId { get; }

    /// <summary>The hardware UUID its agent is told; as stable as <see cref="MachineId"/>.</summary>
    public string HardwareUuid { get; }

    /// <summary>Its state folder: logs, the daemons' data, and the agent's state in <c>agent</c>.</summary>
    public string Folder { get; }

    /// <summary>Its cgroup, with one <c>NAME.service</c> a daemon below.</summary>
    public Cgroup Cgroup { get; }

    /// <summary>Whether the host is up: its namespaces exist.</summary>
    public bool IsUp => InitCgroup.Processes().Count > 0;

    /// <summary>The first process of the host, which keeps its namespaces.</summary>
    /// <exception cref="LabException">The host is not up.</exception>
    public int InitProcess =>
        InitCgroup.Processes() is [var pid, ..] ? pid : throw new LabException($"host {Name} is not up");

    /// <summary>Its network namespace, to run code or make sockets in.</summary>
    public NetworkNamespace Network => new($"/proc/{InitProcess}/ns/net");

    internal Cgroup InitCgroup => Cgroup.Child("init.scope");

    /// <summary>The address of that family.</summary>
    public IPAddress Address(bool ipv6) => ipv6 ? Ipv6 : Ipv4;

    /// <summary>The cgroup of one of its daemons, or of its agent.</summary>
    public Cgroup Service(string daemon) => Cgroup.Child(daemon + ".service");

    /// <summary>Runs a program on the host as root and captures its output.</summary>
    public Task<CommandResult> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        Exec([.. arguments]).RunAsync(cancellationToken);

    /// <summary>The same as somebody who has signed in.</summary>
    public Task<CommandResult> RunAsync(IReadOnlyList<string> arguments, uint user, CancellationToken cancellationToken) =>
        (Exec([.. arguments]) with { Login = user, UserId = user }).RunAsync(cancellationToken);

    /// <summary>Runs a program on the host as root with this process's own standard streams.</summary>
    /// <returns>Its exit code.</returns>
    public Task<int> RunInteractiveAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken) =>
        Exec([.. arguments]).RunInteractiveAsync(cancellationToken);

    /// <summary>Puts a copy of a program at a path of the host, as an upgrade does: what runs goes on with the file that was there.</summary>
    /// <param name="path">Below the host's own <c>/run</c>, which goes when the host goes; root's alone, folders included.</param>
    /// <param name="program">What to copy.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LabException">It cannot be copied.</exception>
    public async Task InstallAsync(string path, string program, CancellationToken cancellationToken) =>
        await Exec("/bin/sh", "-c", "mkdir -p \"${0%/*}\" && cp \"$1\" \"$0.new\" && mv \"$0.new\" \"$0\"", path, program).RunCheckedAsync(cancellationToken);

    /// <summary>Makes one new TCP connection from the host and closes it.</summary>
    public Task<ProbeResult> TryConnectAsync(IPEndPoint target, TimeSpan timeout, CancellationToken cancellationToken) =>
        ServiceProbe.TryAsync(Network, target, null, timeout, cancellationToken);

    /// <summary>An HTTP client whose connections are made from the host; it takes addresses, not names.</summary>
    public HttpClient CreateHttpClient(TimeSpan timeout)
    {
        var network = Network;
        return new(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (context, cancellationToken) =>
            {
                var address = IPAddress.Parse(context.DnsEndPoint.Host);
                var socket = network.CreateTcpSocket(address.AddressFamily);
                try
                {
                    await socket.ConnectAsync(new IPEndPoint(address, context.DnsEndPoint.Port), cancellationToken);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            },
        })
        { Timeout = timeout };
    }

    internal Invocation Exec(params string[] arguments)
    {
        var cgroup = Cgroup.Child("exec.scope");
        cgroup.Create();
        return new(arguments) { Cgroup = cgroup, NamespacesOf = InitProcess };
    }
}
