using System.CommandLine;
using Bulkhead.Agent.Checks;
using Bulkhead.Agent.Install;
using Bulkhead.Agent.State;
using Bulkhead.Contracts.Host;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent install</c> and <c>uninstall</c>: the agent as services of this host.</summary>
internal static class InstallCommand
{
    /// <summary><c>install</c>.</summary>
    public static Command Create()
    {
        var (state, root) = (CommandOptions.State(), Root());
        var unfit = new Option<bool>("--even-if-unfit") { Description = "Install although 'check' found problems." };
        var command = new Command("install", "Have systemd run the agent: the last policy is in the kernel before the network is up.") { state, root, unfit };
        command.SetAction(async (parsed, _) =>
        {
            var folder = Path.GetFullPath(parsed.GetRequiredValue(state));
            var problems = (await CheckCommand.FindAsync(StateDirectory.At(folder))).Where(finding => finding.Level == FindingLevel.Problem).ToArray();
            if (problems.Length > 0 && !parsed.GetValue(unfit))
            {
                throw new AgentException("not-fit", $"This host is not fit: {string.Join(' ', problems.Select(problem => problem.Message))}", "Mend that, or install with --even-if-unfit; 'bulkhead-agent check' says more.");
            }

            await new Installation(parsed.GetRequiredValue(root)).InstallAsync(new Units(Program(), folder), StateDirectory.Create(folder));
            Console.WriteLine(File.Exists(StateDirectory.At(folder).Identity) ? "Installed." : "Installed; it starts once the host is paired: 'bulkhead-agent pair …', then 'systemctl start bulkhead-agent'.");
            return ExitCodes.Good;
        });
        return command;
    }

    /// <summary><c>uninstall</c>.</summary>
    public static Command CreateUninstall()
    {
        var (state, root) = (CommandOptions.State(), Root());
        var command = new Command("uninstall", "Stop the agent, remove its units, its table and its folder, and give changed kernel settings back.") { state, root };
        command.SetAction(async (parsed, cancel) =>
        {
            var folder = StateDirectory.At(parsed.GetRequiredValue(state));
            await new Installation(parsed.GetRequiredValue(root)).RemoveAsync(folder);
            await UnpairCommand.RemoveAsync(folder, cancel);
            string[] left = folder.Root == StateDirectory.Standard ? [folder.Root, UserBlocks.Standard] : [folder.Root];
            foreach (var ours in left.Where(Directory.Exists))
            {
                Directory.Delete(ours, recursive: true);
            }

            Console.WriteLine("Uninstalled; remove the workload from the controller as well.");
            return ExitCodes.Good;
        });
        return command;
    }

    private static Option<string> Root() => new("--root") { Description = "The file system to install into, such as an image's; nothing is started then.", DefaultValueFactory = _ => "/" };

    /// <summary>This program; what root starts at each boot must be root's alone.</summary>
    private static string Program()
    {
        var program = Environment.ProcessPath!;
        for (var path = program; path is not null; path = Path.GetDirectoryName(path))
        {
            if ((File.GetUnixFileMode(path) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
            {
                throw new AgentException("program-exposed", $"Others than root may write to {path}.", "Copy the program to /usr/local/bin and run it from there.");
            }
        }

        return program;
    }
}
