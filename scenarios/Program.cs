using System.CommandLine;
using Bulkhead.Lab;
using Bulkhead.Scenarios;
using Bulkhead.Scenarios.Story;

var check = new Option<bool>("--check") { Description = "Tell the whole story unattended; each step is a line ok or FAILED." };
var id = new Option<string>("--id") { Description = "The lab's id; demos with different ids run side by side.", DefaultValueFactory = _ => "demo" };
var port = new Option<int>("--port") { Description = "The console's port on 127.0.0.1; agents use the next one.", DefaultValueFactory = _ => 8443 };
var logs = new Option<string?>("--logs") { Description = "With --check: a folder for the logs, if a step fails." };
var root = new RootCommand("Bulkhead's demo: a small company in network namespaces, with an agent on every host.") { check, id, port, logs };
root.SetAction(async (arguments, cancellationToken) =>
{
    try
    {
        return arguments.GetValue(check)
            ? await CheckedStory.RunAsync(arguments.GetValue(id)!, arguments.GetValue(port), arguments.GetValue(logs), cancellationToken)
            : await LiveDemo.RunAsync(arguments.GetValue(id)!, arguments.GetValue(port), cancellationToken);
    }
    catch (Exception e) when (e is StoryException or LabException)
    {
        await Console.Error.WriteLineAsync($"demo: {e.Message}");
        return 1;
    }
});
// Ctrl-C takes the lab down, which takes longer than the two seconds after which the process would be ended for it.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
