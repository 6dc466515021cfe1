using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Offline;

/// <summary>The files that a command line names.</summary>
/// <param name="Policy">Policy files, folders gone through.</param>
/// <param name="Inventory">The inventory: the one that is named, else the file of that name in a folder; null for none.</param>
internal sealed record PolicyPaths(IReadOnlyList<FileInfo> Policy, FileInfo? Inventory)
{
    private const int MaxFiles = 10_000;
    private const int MaxDepth = 32;
    private static readonly string[] s_kinds = [".yaml", ".yml", ".json"];

    /// <summary>Finds the files; fails if there is none. Hidden files and folders are left out, as editors and version control have theirs.</summary>
    public static PolicyPaths Find(IEnumerable<string> paths, FileInfo? inventory)
    {
        var files = new List<FileInfo>();
        var inventories = new List<FileInfo>();
        foreach (var path in paths)
        {
            if (!Directory.Exists(path))
            {
                files.Add(File.Exists(path) ? new(path) : throw new Failure(ExitCode.NotFound, $"There is no file or folder '{path}'."));
                continue;
            }

            foreach (var file in Below(path))
            {
                var isInventory = Path.GetDirectoryName(file.ToString()) == Path.TrimEndingDirectorySeparator(path) && Path.GetFileNameWithoutExtension(file.Name) == "inventory";
                (isInventory ? inventories : files).Add(file);
            }
        }

        if (inventory is null && inventories.Count > 1)
        {
            throw Failure.Usage($"There are several inventories: {string.Join(", ", inventories)}.", "Name one: --inventory FILE");
        }

        files.RemoveAll(file => file.FullName == inventory?.FullName);
        return new([.. files.DistinctBy(file => file.FullName)], inventory ?? inventories.SingleOrDefault());
    }

    /// <summary>The content of a file, named as the command line does; that it is too large, or no text, is a problem of the file.</summary>
    public static SourceFile Read(FileInfo file)
    {
        try
        {
            return file.Length <= SourceFile.MaxLength
                ? SourceFile.Of(file.ToString(), File.ReadAllBytes(file.FullName))
                : SourceFile.TooLarge(file.ToString());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Failure.Usage($"{file} cannot be read: {error.Message}");
        }
    }

    private static List<FileInfo> Below(string folder)
    {
        try
        {
            var options = new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = MaxDepth, AttributesToSkip = FileAttributes.Hidden, IgnoreInaccessible = false };
            var files = Directory.EnumerateFiles(folder, "*", options)
                .Where(file => s_kinds.Contains(Path.GetExtension(file)) && !Path.GetRelativePath(folder, file).Split(Path.DirectorySeparatorChar).Any(part => part.StartsWith('.')))
                .Take(MaxFiles + 1).Order(StringComparer.Ordinal).Select(file => new FileInfo(file)).ToList();
            return files.Count switch
            {
                0 => throw new Failure(ExitCode.NotFound, $"There is no {string.Join(", ", s_kinds.Select(kind => $"*{kind}"))} file in '{folder}'."),
                > MaxFiles => throw Failure.Usage($"There are more than {MaxFiles} files in '{folder}'.", "Name the folder of the policy alone."),
                _ => files,
            };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Failure.Usage($"'{folder}' cannot be read: {error.Message}");
        }
    }
}
