using System.Text;

namespace Bulkhead.Lab;

/// <summary>The lab's DNS server. It knows every host, forwards nothing, and lets nobody cache.</summary>
internal sealed class Dnsmasq : DaemonKind
{
    /// <summary>The name with an address for every node exporter.</summary>
    public const string ExportersName = "exporters.lab";

    public override string Name => "dnsmasq";

    public override string Program => "dnsmasq";

    public override string User => "dnsmasq";

    public override Service Service => new("udp", 53, WireProtocol.Dns);

    public override Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken)
    {
        var exporters = setup.Build.Declaration.Links
            .Where(link => link.From.Daemon == "prometheus" && link.To.Daemon == "node-exporter")
            .Select(link => setup.Build.Hosts.First(host => host.Name == link.To.Host));
        var names = setup.Write("hosts", HostsFile(setup.Build.Hosts)
            + string.Concat(exporters.Select(host => $"{host.Ipv4} {ExportersName}\n")));
        var configuration = setup.Write("dnsmasq.conf", $"""
            port=53
            keep-in-foreground
            pid-file=
            log-facility=-
            no-resolv
            no-hosts
            addn-hosts={names}
            local=//ipv4/ipv6/lab/
            bogus-priv
            cache-size=0

            """);
        return Task.FromResult(new Launch(Tool.Require("dnsmasq"), "-C", configuration));
    }

    /// <summary>Hosts in the form of <c>/etc/hosts</c>: each by name, and by a name a family.</summary>
    public static string HostsFile(IEnumerable<LabHost> hosts) =>
        hosts.Aggregate(new StringBuilder(), (text, host) => text
            .Append(host.Ipv4).Append(' ').Append(host.Name).Append(' ').Append(host.Name).Append(".ipv4\n")
            .Append(host.Ipv6).Append(' ').Append(host.Name).Append(' ').Append(host.Name).Append(".ipv6\n")).ToString();
}
