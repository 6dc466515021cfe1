using System.Diagnostics;
using System.Reflection;
using System.Xml.Linq;

namespace Bulkhead.Repo.Tests;

/// <summary>The repository as the tests see it: the tracked files and the projects.</summary>
internal static class Repository
{
    private static readonly Lazy<IReadOnlyList<string>> Tracked = new(() => [.. Git("ls-files", "-z").Where(file => File.Exists(Full(file)))]);
    private static readonly Lazy<IReadOnlyList<Project>> AllProjects = new(() =>
        [.. Files.Where(file => file.EndsWith(".csproj", StringComparison.Ordinal)).Select(file => new Project(file, XDocument.Load(Full(file))))]);

    /// <summary>Its folder.</summary>
    public static string Root { get; } = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "RepositoryRoot").Value!;

    /// <summary>Tracked files that exist, relative, with forward slashes.</summary>
    public static IReadOnlyList<string> Files => Tracked.Value;

    /// <summary>Tracked files with the run bit, as git has it.</summary>
    public static IEnumerable<string> Executables => Git("ls-files", "-z", "--stage")
        .Where(entry => entry.StartsWith("100755", StringComparison.Ordinal))
        .Select(entry => entry[(entry.IndexOf('\t', StringComparison.Ordinal) + 1)..]);

    public static IReadOnlyList<Project> Projects => AllProjects.Value;

    public static string Full(string file) => Path.Combine(Root, file);

    public static string Text(string file) => File.ReadAllText(Full(file));

    /// <summary>Null for a binary file, which has a NUL byte.</summary>
    public static string? TextOrNull(string file)
    {
        var text = Text(file);
        return text.Contains('\0', StringComparison.Ordinal) ? null : text;
    }

    /// <summary>Source that people wrote: neither generated nor a lock file.</summary>
    public static IEnumerable<string> Sources => Files.Where(file =>
        Path.GetExtension(file) is ".cs" or ".ts" or ".tsx" or ".c" or ".sh" or ".css"
        && !file.Contains("/Migrations/", StringComparison.Ordinal)
        && !file.Contains("/generated/", StringComparison.OrdinalIgnoreCase)
        && !file.EndsWith(".g.cs", StringComparison.Ordinal)
        && !file.EndsWith(".d.ts", StringComparison.Ordinal));

    /// <summary>What git prints, split at NUL.</summary>
    private static List<string> Git(params string[] arguments)
    {
        using var git = Process.Start(new ProcessStartInfo("git", ["-C", Root, "-c", $"safe.directory={Root.TrimEnd('/')}", .. arguments]) { RedirectStandardOutput = true })!;
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        Assert.Equal(0, git.ExitCode);
        return [.. output.Split('\0', StringSplitOptions.RemoveEmptyEntries)];
    }
}

/// <summary>A project file.</summary>
internal sealed record Project(string File, XDocument Xml)
{
    /// <summary>Without the prefix: <c>Policy</c>, <c>Cli.Tests</c>.</summary>
    public string Name => Path.GetFileNameWithoutExtension(File).Replace("Bulkhead.", "", StringComparison.Ordinal);

    public bool IsTest => Name.EndsWith(".Tests", StringComparison.Ordinal);

    public bool IsProduct => File.StartsWith("src/", StringComparison.Ordinal);

    public bool IsPure => Xml.Descendants("IsPureProject").Any(element => element.Value == "true");

    /// <summary>Names of the projects that it references directly.</summary>
    public IEnumerable<string> References => Xml.Descendants("ProjectReference")
        .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')).Replace("Bulkhead.", "", StringComparison.Ordinal));

    public override string ToString() => File;
}
