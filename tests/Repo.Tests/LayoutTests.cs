namespace Bulkhead.Repo.Tests;

/// <summary>Files stay small, folders are named after what they hold, and scripts run.</summary>
public sealed class LayoutTests
{
    private const int LongestFile = 600;
    private const int LongWithoutReason = 400;

    private static readonly string[] ForbiddenNames = ["Common", "Shared", "Utils", "Helpers", "Domain", "Infrastructure", "Application"];

    /// <summary>Files past <see cref="LongWithoutReason"/> lines, each with why it is one concept.</summary>
    private static readonly Dictionary<string, string> LongForAReason = [];

    [Fact]
    public void No_source_file_is_too_long() =>
        Offences.None(Repository.Sources.Where(file => Lines(file) > LongestFile), $"A source file has at most {LongestFile} lines:");

    [Fact]
    public void A_long_source_file_has_a_reason()
    {
        var @long = Repository.Sources.Where(file => Lines(file) > LongWithoutReason).ToList();
        Offences.None(@long.Except(LongForAReason.Keys), $"A source file past {LongWithoutReason} lines is split, or is listed here with the reason why it is one concept:");
        Offences.None(LongForAReason.Keys.Except(@long), "Listed here as long, but no longer is:");
    }

    [Fact]
    public void No_project_or_folder_has_a_name_that_says_nothing()
    {
        var folders = Repository.Files.SelectMany(file => file.Split('/')[..^1]);
        var projects = Repository.Projects.SelectMany(project => project.Name.Split('.'));
        Offences.None(folders.Concat(projects).Intersect(ForbiddenNames, StringComparer.OrdinalIgnoreCase), "A folder or project is named after what it holds, not:");
    }

    [Fact]
    public void Scripts_can_be_run() =>
        Offences.None(
            Repository.Files
                .Except(Repository.Executables)
                .Where(file => file.EndsWith(".sh", StringComparison.Ordinal) || Repository.TextOrNull(file)?.StartsWith("#!", StringComparison.Ordinal) == true),
            "Scripts without the run bit (git update-index --chmod=+x):");

    private static int Lines(string file) => File.ReadLines(Repository.Full(file)).Count();
}
