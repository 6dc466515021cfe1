using System.Text.Json;
using Bulkhead.Cli.Offline;
using Bulkhead.Policy.Documents;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Documents;

/// <summary>Policy documents in files that the command line names.</summary>
internal static class PolicyFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private static readonly string[] s_nameless = ["modes[", "failSafe[", "plans["];

    /// <summary>Reads whole policies and joins them; fails with all that is wrong with the form of any.</summary>
    public static PolicyFolder Read(IEnumerable<string> paths) => Sound(PolicyFolder.Read(Files(paths)));

    /// <summary>The same for files that hold objects of one kind: one object, a list of them, or a policy with that section alone.</summary>
    public static PolicyFolder Read<T>(IEnumerable<string> paths, PolicySection<T> section) => Sound(PolicyFolder.ReadSection(Files(paths), section.Name));

    /// <summary>A whole policy as JSON, with every field.</summary>
    public static string WriteJson(PolicyDocument policy) => JsonSerializer.SerializeToNode(policy, PolicyJson.Default.PolicyDocument)!.ToJsonString(Indented) + "\n";

    private static IEnumerable<SourceFile> Files(IEnumerable<string> paths) => PolicyPaths.Find(paths, null).Policy.Select(PolicyPaths.Read);

    /// <summary>Waits for what the controller does with files; what it does not like about them is told at its line.</summary>
    public static async Task LocatedAsync(this PolicyFolder folder, Task sent)
    {
        try
        {
            await sent.ConfigureAwait(false);
        }
        catch (Failure failure) when (failure.Diagnostics.Count > 0)
        {
            // Of a list without names the controller tells the index within the draft, which is not that within the files.
            var located = failure.Diagnostics.Select(found => !s_nameless.Any(list => found.Path.StartsWith(list, StringComparison.Ordinal)) && folder.Find(found.Path) is { } at ? found with { Path = $"{at} {found.Path}" } : found);
            throw new Failure(failure.ExitCode, failure.Message, failure.Next, [.. located]) { Code = failure.Code };
        }
    }

    private static PolicyFolder Sound(PolicyFolder folder) => folder.FormProblems.Count == 0
        ? folder
        : throw Failure.Refused("The policy cannot be read.", [.. FileDiagnostic.Sort(folder.FormProblems).Select(OfflinePolicy.View)]);
}
