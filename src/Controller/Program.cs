using Bulkhead.Controller.Hosting;

// Streams, the flow store and the database get the time that the host gives them to end.
return await Commands.Root().Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) }).ConfigureAwait(false);
