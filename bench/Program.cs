using System.CommandLine;
using Bulkhead.Bench.Dataplane;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;

Benchmark[] benchmarks = [DataplaneBenchmark.Benchmark];

var name = new Argument<string>("name") { Description = "which: " + string.Join("; ", benchmarks.Select(b => $"{b.Name} ({b.Question})")) };
name.AcceptOnlyFromAmong([.. benchmarks.Select(b => b.Name)]);
var quick = new Option<bool>("--quick") { Description = "few and short samples, to see that it works; the figures mean little" };
var agent = new Option<string>("--agent") { Description = "the agent's executable", Required = true };
var controller = new Option<string>("--controller") { Description = "the controller's executable", Required = true };
var command = new RootCommand("Measures Bulkhead. Progress goes to standard error, the figures as one line of JSON to standard output.") { name, quick, agent, controller };
command.SetAction(async (arguments, cancel) =>
{
    var benchmark = benchmarks.Single(b => b.Name == arguments.GetValue(name));
    var report = new Report(benchmark.Name);
    try
    {
        await benchmark.RunAsync(new(report, arguments.GetValue(quick), new(arguments.GetValue(agent)!, arguments.GetValue(controller)!), Console.Error.WriteLine, cancel));
    }
    catch (Exception e) when (e is BenchException or LabException)
    {
        await Console.Error.WriteLineAsync($"bench: {e.Message}");
        return 1;
    }
    catch (OperationCanceledException)
    {
        await Console.Error.WriteLineAsync("bench: interrupted");
        return 130;
    }

    Console.WriteLine(report);
    return 0;
});
return await command.Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = TimeSpan.FromSeconds(60) });
