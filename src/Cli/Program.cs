using Bulkhead.Cli.CommandLine;

return await BulkheadCommand.RunAsync(CliHost.OfProcess(), args).ConfigureAwait(false);
