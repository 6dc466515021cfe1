using System.CommandLine;
using Bulkhead.Agent;
using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Commands;

var root = new RootCommand("Bulkhead agent: reports this host's connections and enforces its policy.")
{
    CheckCommand.Create(),
    PairCommand.Create(),
    InstallCommand.Create(),
    ApplyCommand.Create(),
    RunCommand.Create(),
    StatusCommand.Create(),
    PolicyCommand.Create(),
    ExplainCommand.Create(),
    WhyCommand.Create(),
    FlowsCommand.Create(),
    WaitSyncedCommand.Create(),
    PanicCommand.Create(),
    PanicCommand.CreateResume(),
    SupportBundleCommand.Create(),
    UnpairCommand.Create(),
    InstallCommand.CreateUninstall(),
    CompletionCommand.Create(),
};
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration
    {
        EnableDefaultExceptionHandler = false,
        ProcessTerminationTimeout = TimeSpan.FromSeconds(10),
    });
}
catch (AgentException failure)
{
    Console.Error.WriteLine($"bulkhead-agent: {failure.Message}\n{failure.Remedy}");
    return ExitCodes.Failed;
}
catch (Exception fault) when (ChannelFaults.IsExpected(fault))
{
    Console.Error.WriteLine($"bulkhead-agent: {ChannelFaults.Describe(fault)}");
    return ExitCodes.Failed;
}
