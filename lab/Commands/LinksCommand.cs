using System.CommandLine;
using Spectre.Console;

namespace Bulkhead.Lab.Commands;

/// <summary><c>lab links</c>.</summary>
internal static class LinksCommand
{
    public static Command Create() => LabCommands.Create("links", "Show the declared links with the processes expected at both ends.", (arguments, _) =>
    {
        var lab = RunningLab.Attach(LabCommands.LabOf(arguments));
        LabCommands.Print(arguments, lab.Links, () =>
        {
            var table = LabCommands.TableOf("from", "process", "to", "process", "port", "family");
            foreach (var link in lab.Links)
            {
                table.AddRow(
                    link.From.Host, link.From.Process, link.To.Host, link.To.Process, $"{link.Port}/{link.Protocol}", link.Ipv6 ? "IPv6" : "IPv4");
            }

            return table;
        });
        return Task.FromResult(0);
    },
    [LabCommands.Output]);
}
