using Bulkhead.Controller.Hosting;

return await Commands.Root().Parse(args).InvokeAsync().ConfigureAwait(false);
