using System.CommandLine;
using Spectre.Console;

namespace Bulkhead.Lab.Commands;

/// <summary><c>lab status</c>.</summary>
internal static class StatusCommand
{
    public static Command Create() => LabCommands.Create("status", "Show hosts, daemons and agents.", (arguments, _) =>
    {
        var lab = RunningLab.Attach(LabCommands.LabOf(arguments));
        var hosts = lab.Status();
        LabCommands.Print(
            arguments,
            new { lab.Id, lab.Folder, Ipv4 = lab.Network.Ipv4.ToString(), Ipv6 = lab.Network.Ipv6.ToString(), Gateway = lab.Network.GatewayIpv4.ToString(), Hosts = hosts },
            () =>
            {
                var table = LabCommands.TableOf("host", "addresses", "labels", "daemons", "agent");
                foreach (var host in hosts)
                {
                    table.AddRow(
                        host.IsUp ? host.Name : host.Name + " (down)",
                        $"{host.Ipv4}\n{host.Ipv6}",
                        string.Join('\n', host.Labels.Select(label => $"{label.Key}={label.Value}")),
                        string.Join('\n', host.Daemons.Select(Describe)),
                        Describe(host.Agent));
                }

                return table;
            });
        return Task.FromResult(hosts.All(host => host.IsUp && host.Daemons.All(daemon => daemon.IsUp)) ? 0 : 1);
    },
    [LabCommands.Output]);

    private static string Describe(DaemonStatus daemon) => daemon.Pid is { } pid ? $"{daemon.Name} ({pid})" : $"{daemon.Name} down";
}
