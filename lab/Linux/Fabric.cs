namespace Bulkhead.Lab;

/// <summary>
/// The lab's wiring: a bridge in a namespace of its own, a port for each host, and an uplink to the root namespace.
/// <code>
///   root namespace          fabric                     host
///   bhl-ID 198.18.N.1 ───── uplink ┐
///                                  br0 ─── web1 ────── eth0 198.18.N.10
///                                   └───── app1 ────── eth0 198.18.N.11
/// </code>
/// Hosts have no default route: nothing they send leaves the lab.
/// </summary>
internal sealed class Fabric
{
    private const string Init =
        "ip link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0 && ip link set br0 up && echo ready && exec sleep infinity </dev/null >/dev/null 2>&1";

    private readonly Cgroup _tools;
    private readonly int _process;

    private Fabric(Cgroup tools, int process, LabNetwork network)
    {
        _tools = tools;
        _process = process;
        Network = network;
    }

    /// <summary>The network that was free.</summary>
    public LabNetwork Network { get; }

    /// <summary>Makes the bridge and the uplink.</summary>
    public static async Task<Fabric> CreateAsync(LabOptions options, Cgroup tools, CancellationToken cancellationToken)
    {
        var cgroup = options.Cgroup.Child("fabric.scope");
        cgroup.Create();
        await new Invocation("unshare", "--net", "/bin/sh", "-c", Init) { Cgroup = cgroup }.StartUntilFirstLineAsync(cancellationToken);
        var process = cgroup.Processes()[0];
        await Ip(tools, null, $"link add {options.UplinkInterface} type veth peer name uplink netns {process}\nlink set {options.UplinkInterface} up", cancellationToken);
        await Ip(tools, process, "link set uplink master br0 up", cancellationToken);
        return new(tools, process, await ClaimNetworkAsync(options, tools, cancellationToken));
    }

    /// <summary>Connects a host.</summary>
    public async Task ConnectAsync(LabHost host, CancellationToken cancellationToken)
    {
        var process = host.InitProcess;
        await Ip(_tools, null, $"link add eth0 netns {process} type veth peer name {host.Name} netns {_process}", cancellationToken);
        await Ip(_tools, _process, $"link set {host.Name} master br0 up", cancellationToken);
        await Ip(
            _tools, process, $"addr add {host.Ipv4}/24 dev eth0\naddr add {host.Ipv6}/64 dev eth0 nodad\nlink set eth0 up", cancellationToken);
    }

    /// <summary>Removes the uplink; the bridge goes with its namespace.</summary>
    public static Task RemoveUplinkAsync(LabOptions options, Cgroup tools, CancellationToken cancellationToken) =>
        Deadline.UntilAsync(
            async () =>
            {
                // The kernel may be removing it already, with the namespace of its other end.
                var gone = !Directory.Exists("/sys/class/net/" + options.UplinkInterface);
                if (!gone)
                {
                    await IpCommand(tools, null, $"link del {options.UplinkInterface}").RunAsync(cancellationToken);
                }

                return gone;
            },
            TimeSpan.FromSeconds(10),
            $"cannot remove the interface {options.UplinkInterface}",
            cancellationToken);

    // The kernel refuses a second route to the same prefix, which decides between labs that start at the same moment.
    private static async Task<LabNetwork> ClaimNetworkAsync(LabOptions options, Cgroup tools, CancellationToken cancellationToken)
    {
        var device = options.UplinkInterface;
        for (var attempt = 0; attempt < LabNetwork.Count; attempt++)
        {
            var network = new LabNetwork((LabNetwork.Preferred(options.Id) + attempt) % LabNetwork.Count);
            if ((await IpCommand(tools, null, $"route add {network.Ipv4} dev {device}").RunAsync(cancellationToken)).ExitCode == 0)
            {
                await Ip(
                    tools, null,
                    $"addr add {network.GatewayIpv4}/32 dev {device}\naddr add {network.GatewayIpv6}/128 dev {device} nodad\nroute add {network.Ipv6} dev {device}",
                    cancellationToken);
                return network;
            }
        }

        throw new LabException($"all {LabNetwork.Count} networks below 198.18.0.0/15 are in use");
    }

    private static Task<string> Ip(Cgroup tools, int? namespacesOf, string batch, CancellationToken cancellationToken) =>
        IpCommand(tools, namespacesOf, batch).RunCheckedAsync(cancellationToken);

    private static Invocation IpCommand(Cgroup tools, int? namespacesOf, string batch) =>
        new("ip", "-batch", "-") { Cgroup = tools, NamespacesOf = namespacesOf, Input = batch + "\n" };
}
