using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Inventory;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Bulkhead.PolicyFiles;
using Bulkhead.PolicyFiles.Inventory;

namespace Bulkhead.Cli.Offline;

/// <summary>A policy in files, with the workloads of an inventory if there is one, and everything that is wrong with both.</summary>
/// <param name="Folder">The files.</param>
/// <param name="Model">What they say; null if they are not right.</param>
/// <param name="Compiled">For the workloads of the inventory; null without one, or if anything is wrong.</param>
/// <param name="Problems">All problems, by place.</param>
internal sealed record OfflinePolicy(PolicyFolder Folder, PolicyModel? Model, CompiledPolicy? Compiled, IReadOnlyList<FileDiagnostic> Problems)
{
    /// <summary>Whether the controller would refuse it.</summary>
    public bool HasErrors => Problems.Any(problem => problem.Found.Severity == Severity.Error);

    /// <summary>Reads what the command line names, and compiles it if there is an inventory.</summary>
    public static Task<OfflinePolicy> LoadAsync(Call call)
    {
        var paths = PolicyPaths.Find(call.Value(OfflineOptions.Paths), call.Value(OfflineOptions.Inventory));
        var keys = call.Value(OfflineOptions.LabelKeys) ?? [];
        return call.WaitAsync("Reading and checking the policy", Task.Run(() => Load(paths, keys, call.Now), call.Cancel));
    }

    /// <summary>The same, and fails with all problems if the policy is not right.</summary>
    public static async Task<OfflinePolicy> LoadSoundAsync(Call call)
    {
        var policy = await LoadAsync(call).ConfigureAwait(false);
        return policy.HasErrors
            ? throw Failure.Refused("The policy is not right.", [.. policy.Problems.Select(View)])
            : policy;
    }

    /// <summary>The same, compiled for the workloads of an inventory, which must be there.</summary>
    public static async Task<(OfflinePolicy Policy, CompiledPolicy Compiled)> LoadCompiledAsync(Call call)
    {
        var policy = await LoadSoundAsync(call).ConfigureAwait(false);
        return (policy, policy.Compiled ?? throw Failure.Usage("This needs workloads, and there is no inventory.", "Write them into inventory.yaml in the folder, or name a file: --inventory FILE"));
    }

    /// <summary>A problem as people read it.</summary>
    public static DiagnosticView View(FileDiagnostic problem) =>
        new(Words.Name(problem.Found.Severity), problem.Found.Code, $"{problem.At} {problem.Found.Path}".TrimEnd(), problem.Found.Message);

    private static OfflinePolicy Load(PolicyPaths paths, IEnumerable<string> labelKeys, DateTimeOffset now)
    {
        var folder = PolicyFolder.Read(paths.Policy.Select(PolicyPaths.Read));
        var (inventory, problems) = paths.Inventory is { } file ? InventoryFile.Read(PolicyPaths.Read(file)) : (null, []);
        var keys = LabelText.BuiltInKeys.Concat(inventory?.LabelKeys ?? new HashSet<string>()).Concat(labelKeys).ToHashSet(StringComparer.Ordinal);
        var (model, said) = folder.Check(keys);
        if (paths.Inventory is not null && inventory is null)
        {
            // The inventory may declare the keys, and cannot be read.
            said = [.. said.Where(problem => problem.Found.Code != "unknown-label-key")];
        }

        var compiled = model is null || inventory is null ? null : Compile(model, inventory.Workloads, now);
        return new(folder, model, compiled, FileDiagnostic.Sort([.. problems, .. said, .. compiled?.Diagnostics.Select(folder.Locate) ?? []]));
    }

    private static CompiledPolicy Compile(PolicyModel model, WorkloadIndex workloads, DateTimeOffset now)
    {
        try
        {
            return PolicyCompiler.Compile(model, workloads, new(new(0, 0), now, []));
        }
        catch (PolicyTooLargeException error)
        {
            throw Failure.Refused(error.Message, []);
        }
    }
}
