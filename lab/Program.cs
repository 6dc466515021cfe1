using Bulkhead.Lab.Commands;

// A command that is interrupted has time to take down what it began; one that runs a program leaves signals to the program.
TimeSpan? timeToEnd = args is [ExecCommand.Name, ..] ? null : TimeSpan.FromSeconds(60);
return await LabCommands.Root().Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = timeToEnd });
