using System.CommandLine;

namespace Bulkhead.Lab.Commands;

/// <summary><c>lab agents start|stop|kill</c>.</summary>
internal static class AgentsCommand
{
    public static Command Create()
    {
        var options = new AgentArguments();
        return new("agents", "Start, stop or kill agents.")
        {
            Act("start", "Start agents, pairing those that are not paired.",
                (lab, arguments, hosts, cancellationToken) => lab.Agents.StartAsync(options.Read(arguments), hosts, cancellationToken), options.Options),
            Act("stop", "Stop agents cleanly (SIGTERM).",
                (lab, _, hosts, cancellationToken) => lab.Agents.StopAsync(hosts, cancellationToken), []),
            Act("kill", "Kill agents (SIGKILL).",
                (lab, _, hosts, cancellationToken) => lab.Agents.KillAsync(hosts, cancellationToken), []),
        };
    }

    private static Command Act(
        string name, string description, Func<RunningLab, ParseResult, IReadOnlyCollection<LabHost>?, CancellationToken, Task> act, IEnumerable<Symbol> symbols)
    {
        var names = new Argument<string[]>("hosts") { Description = "the hosts; all if none is given", Arity = ArgumentArity.ZeroOrMore };
        return LabCommands.Create(name, description, async (arguments, cancellationToken) =>
        {
            var lab = RunningLab.Attach(LabCommands.LabOf(arguments));
            var hosts = arguments.GetValue(names) is { Length: > 0 } given ? given.Select(host => lab[host]).ToList() : null;
            await act(lab, arguments, hosts, cancellationToken);
            return 0;
        },
        [names, .. symbols]);
    }
}
