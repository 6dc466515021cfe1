namespace Bulkhead.Lab;

/// <summary>Finds the programs of Debian packages.</summary>
internal static class Tool
{
    private static readonly Lazy<IReadOnlyList<string>> Folders = new(() =>
    [
        "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin",
        .. Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin"))
            : [],
    ]);

    /// <summary>The path of a program, or null if it is not installed.</summary>
    public static string? Find(string name) =>
        Folders.Value.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>The path of a program.</summary>
    /// <exception cref="LabException">It is not installed.</exception>
    public static string Require(string name) =>
        Find(name) ?? throw new LabException($"'{name}' is not installed; run scripts/install-packages.sh");

    /// <summary>The file that <c>/proc/PID/exe</c> shows for a program: symbolic links resolved.</summary>
    public static string? Executable(string name) =>
        Find(name) is { } path ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : null;
}
