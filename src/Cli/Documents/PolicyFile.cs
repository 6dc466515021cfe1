using System.Text.Json;
using Bulkhead.Cli.Offline;
using Bulkhead.Policy.Documents;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Documents;

/// <summary>Policy documents in files that the command line names.</summary>
internal static class PolicyFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Reads whole policies and joins them; fails with all that is wrong with the form of any.</summary>
    public static PolicyDocument Read(IEnumerable<string> paths) => Sound(PolicyFolder.Read(Files(paths)));

    /// <summary>The same for files that hold objects of one kind: one object, a list of them, or a policy with that section alone.</summary>
    public static PolicyDocument Read<T>(IEnumerable<string> paths, PolicySection<T> section) => Sound(PolicyFolder.ReadSection(Files(paths), section.Name));

    /// <summary>A whole policy as JSON, with every field.</summary>
    public static string WriteJson(PolicyDocument policy) => JsonSerializer.SerializeToNode(policy, PolicyJson.Default.PolicyDocument)!.ToJsonString(Indented) + "\n";

    private static IEnumerable<SourceFile> Files(IEnumerable<string> paths) => PolicyPaths.Find(paths, null).Policy.Select(PolicyPaths.Read);

    private static PolicyDocument Sound(PolicyFolder folder) => folder.FormProblems.Count == 0
        ? folder.Document
        : throw Failure.Refused("The policy cannot be read.", [.. FileDiagnostic.Sort(folder.FormProblems).Select(OfflinePolicy.View)]);
}
