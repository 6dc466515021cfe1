using System.CommandLine;

return await new RootCommand("Bulkhead agent: reports a host's connections and enforces its policy.").Parse(args).InvokeAsync();
