using Bulkhead.Lab.Commands;

return await LabCommands.Root().Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = TimeSpan.FromSeconds(60) });
