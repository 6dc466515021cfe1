using Bulkhead.Agent.Linux;
using Bulkhead.Agent.Linux.Bpf;
using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Agent.Linux.Netlink;
using Bulkhead.Agent.Linux.Processes;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Services;

namespace Bulkhead.Agent.Checks;

/// <summary>Whether the kernel has what the agent needs. Each feature of nftables is tried as nft --check does: the kernel judges a transaction and takes it back.</summary>
internal static class KernelChecks
{
    private const string AutomaticHelpers = "/proc/sys/net/netfilter/nf_conntrack_helper";

    private static readonly (string Code, string What, string Body)[] _features =
    [
        ("nft-conntrack", "connection tracking in rules", "chain c { type filter hook input priority 0; ct state vmap { established : accept, invalid : drop }; }"),
        ("nft-sets", "sets of addresses and prefixes", "set s { type ipv4_addr; elements = { 192.0.2.1 }; }\nset n { type ipv6_addr; flags interval; elements = { 2001:db8::/32 }; }\nchain c { ip saddr @s accept\nip6 saddr @n accept; }"),
        ("nft-vmap", "dispatch by protocol and port", "chain t { accept; }\nchain c { meta l4proto vmap { 6 : jump t }\nth dport vmap { 80 : jump t }; }"),
        ("nft-log", "reports of blocked packets (NFLOG)", "chain c { limit rate 50/second burst 200 packets log prefix \"x\" group 4077 snaplen 128; }"),
        ("nft-reject", "rejecting", "chain c { type filter hook output priority 0; meta l4proto tcp reject with tcp reset\nreject with icmpx type admin-prohibited; }"),
        ("nft-socket", "the socket of a packet, for processes", "chain c { type filter hook input priority 0; socket mark 1 accept; }"),
    ];

    /// <summary>What was found.</summary>
    public static async IAsyncEnumerable<Finding> RunAsync()
    {
        if (UserId.Effective != 0)
        {
            yield return Finding.Problem("not-root", "This is not run by root, so that not everything could be looked at.", "Run it with sudo.");
        }

        var (exit, version, _) = await Tool.RunAsync("nft", ["--version"]);
        if (exit != 0)
        {
            yield return Finding.Problem("nft-missing", "nft cannot be run.", "Install the package nftables.");
            yield break;
        }

        yield return Finding.Ok("nft", $"{version.Trim()}, kernel {HostFacts.Agent([]).Kernel}");
        foreach (var (code, what, body) in _features)
        {
            var (result, _, errors) = await Tool.RunAsync("nft", ["--check", "-f", "-"], $"table inet bulkhead_check {{\n{body}\n}}\n");
            yield return result == 0
                ? Finding.Ok(code, $"The kernel has {what}.")
                : Finding.Problem(code, $"The kernel does not have {what}: {errors.Split('\n')[0]}", "Use a kernel with nf_tables, nf_conntrack, nfnetlink_log, nft_reject and nft_socket, and run this as root.");
        }

        yield return Try("conntrack", "connections can be listed and ended one by one (ctnetlink)", () =>
        {
            using var conntrack = Conntrack.Open();
            conntrack.Dump(static _ => { });
        });
        yield return Try("sock-diag", "sockets can be listed (sock_diag)", () =>
        {
            using var sockets = SocketDiagnostics.Open();
            sockets.Dump(IpProtocol.Tcp, SocketDiagnostics.AllStates);
        });
        yield return Try("cgroup2", "processes are told apart by cgroup v2", () => CgroupTree.Open(null));
        if (File.Exists(AutomaticHelpers) && (await File.ReadAllTextAsync(AutomaticHelpers)).Trim() == "1")
        {
            yield return Finding.Warning("automatic-helpers", "The kernel gives helpers of connection tracking to the usual ports by itself (nf_conntrack_helper=1), whoever connects.",
                "Set net.netfilter.nf_conntrack_helper=0. What such a helper expects passes only rules that accept whatever is related; ours do not.");
        }

        var has = await ProbeAsync();
        foreach (var feature in Features.All)
        {
            yield return Enforceable(feature, has.Contains(feature));
        }
    }

    /// <summary>What this agent can decide on this host, found out as the agent does at its start; the controller leaves the rest out here and says so.</summary>
    public static async Task<IReadOnlyCollection<string>> ProbeAsync()
    {
        try
        {
            using var owners = new SocketOwners(CgroupTree.Open(null));
            using var firewall = FirewallDriver.Open(() => NameLookups.None, owners);
            return await firewall.ProbeAsync();
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or AgentException)
        {
            return [];
        }
    }

    private static Finding Enforceable(string feature, bool has)
    {
        var what = feature switch
        {
            Features.Base => "labels, networks, ports, quarantine, all modes in both directions",
            Features.UnitInbound => "rules for the systemd unit that serves",
            Features.UnitOutbound => "rules for the systemd unit that connects",
            Features.ProcessInbound => "rules for the executable that serves",
            Features.ProcessOutbound => "rules for the executable that connects",
            Features.UserOutbound => "rules for the user who connects",
            Features.Stateless => "services whose connections are not tracked",
            _ when ConnectionHelper.All.FirstOrDefault(helper => helper.Feature == feature) is { } helper => $"services with the helper {helper}",
            _ => feature,
        };
        var why = ConnectionHelper.All.FirstOrDefault(helper => helper.Feature == feature) is { } named ? HelperModules.OfThisHost().Of(named).Why : null;
        return has
            ? Finding.Ok(feature, $"Enforceable: {what}.")
            : feature == Features.Stateless
            ? Finding.Warning(feature, $"Not possible here: {what}.", "Stateless services are tracked on this host. It takes nft_fib and nft_socket.")
            : Finding.Warning(feature, $"Not enforceable here: {what}.{(why is null ? "" : $" {why}.")}", "Allow rules of this kind are left out on this host, never widened; provisioning lists them.");
    }

    private static Finding Try(string code, string what, Action attempt)
    {
        try
        {
            attempt();
            return Finding.Ok(code, $"OK: {what}.");
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or AgentException)
        {
            return Finding.Problem(code, $"Not possible: {what}. {refused.Message}", "Run as root, on a kernel with nf_conntrack_netlink, sock_diag and cgroup v2.");
        }
    }
}
