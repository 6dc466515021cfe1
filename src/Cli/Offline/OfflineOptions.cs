using System.CommandLine;

namespace Bulkhead.Cli.Offline;

/// <summary>What the commands on policy files have in common.</summary>
internal static class OfflineOptions
{
    public static Argument<string[]> Paths { get; } = new("PATH") { Description = "Folders of policy files, or files: YAML or JSON. Together they are one policy.", Arity = ArgumentArity.OneOrMore };

    public static Option<FileInfo?> Inventory { get; } = new("--inventory")
    {
        Description = "The workloads, in a file of their own (usually inventory.yaml in the folder, if there is one).",
        HelpName = "FILE",
    };

    public static Option<string[]> LabelKeys { get; } = new("--label-key") { Description = "A label key of your own that the files use; repeat for more. Those of the inventory are known.", HelpName = "KEY" };
}
