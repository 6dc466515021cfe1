using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Offline;

namespace Bulkhead.Cli.Policies;

/// <summary><c>bulkhead policy</c>: policy as code, without a controller.</summary>
internal static class PolicyCommand
{
    public static Command Create(CliHost host) => new Command("policy", "Work on policy files without a controller.").With(
        ValidateCommand.Create(host),
        FmtCommand.Create(host),
        CompileCommand.Create(host),
        ExplainFilesCommand.Create(host),
        AssertCommand.Create(host),
        SchemaCommand.Create(host));
}
