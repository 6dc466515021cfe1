using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Offline;

/// <summary><c>bulkhead policy schema</c>: prints the JSON Schema that editors complete and check files by.</summary>
internal static class SchemaCommand
{
    private static readonly Argument<string?> Kind = CreateKind();

    public static Command Create(CliHost host) => new Command("schema", "Print the JSON Schema of policy files, or of inventory files, for editors.").With(Kind).Runs(host, call =>
    {
        call.Terminal.WriteText(call.Optional(Kind) == "inventory" ? Schemas.Inventory : Schemas.Policy);
        return Task.CompletedTask;
    });

    private static Argument<string?> CreateKind()
    {
        var kind = new Argument<string?>("KIND") { Description = "policy (the usual one) or inventory.", Arity = ArgumentArity.ZeroOrOne };
        kind.AcceptOnlyFromAmong("policy", "inventory");
        return kind;
    }
}
