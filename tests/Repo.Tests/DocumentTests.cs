using System.Text.RegularExpressions;

namespace Bulkhead.Repo.Tests;

/// <summary>The documents name what exists.</summary>
public sealed partial class DocumentTests
{
    [Fact]
    public void Every_folder_that_ARCHITECTURE_names_exists()
    {
        var top = Repository.Files.Where(file => file.Contains('/', StringComparison.Ordinal)).Select(file => file[..file.IndexOf('/', StringComparison.Ordinal)]).ToHashSet();
        var named = PathInBackticks().Matches(Repository.Text("ARCHITECTURE.md"))
            .Select(match => match.Groups[1].Value)
            .Where(path => path.EndsWith('/') || top.Contains(path.Split('/')[0]))
            .ToHashSet();
        Assert.NotEmpty(named);
        Offences.None(named.Where(path => !Repository.Files.Any(file => $"/{file}/".Contains($"/{path.TrimEnd('/')}/", StringComparison.Ordinal))), "ARCHITECTURE.md names what does not exist:");
    }

    [Fact]
    public void The_index_of_decisions_lists_each_once_and_nothing_else()
    {
        var records = Repository.Files.Where(file => RecordFile().IsMatch(file)).Select(file => Path.GetFileName(file)!).ToList();
        Assert.NotEmpty(records);
        var listed = RecordLink().Matches(Repository.Text("docs/adr/README.md")).Select(match => match.Groups[1].Value);
        Assert.Equal(records.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
        Assert.Equal(records.Count, records.Select(record => record[..4]).Distinct().Count());
    }

    [Fact]
    public void Links_between_documents_lead_somewhere() =>
        Offences.None(
            from document in Repository.Files
            where document.EndsWith(".md", StringComparison.Ordinal)
            from Match link in RelativeLink().Matches(Repository.Text(document))
            let target = Path.Combine(Path.GetDirectoryName(Repository.Full(document))!, link.Groups[1].Value)
            where !File.Exists(target) && !Directory.Exists(target)
            select $"{document} → {link.Groups[1].Value}",
            "Links lead nowhere:");

    [Fact]
    public void Tests_that_documents_name_exist()
    {
        var named = (
            from document in (string[])["ARCHITECTURE.md", "docs/testing.md"]
            from Match name in NamedTest().Matches(Repository.Text(document))
            select (Document: document, Class: name.Groups[1].Value, Method: name.Groups[2].Value)).ToList();
        Assert.NotEmpty(named);
        var tests = Repository.Files.Where(file => file.StartsWith("tests/", StringComparison.Ordinal) && file.EndsWith("Tests.cs", StringComparison.Ordinal))
            .ToLookup(file => Path.GetFileNameWithoutExtension(file)!, Repository.Text);
        Offences.None(
            named.Where(name => !tests[name.Class].Any(text => Regex.IsMatch(text, $@"\b(Task|void) {name.Method}\("))).Select(name => $"{name.Document} → {name.Class}.{name.Method}"),
            "Documents name tests that do not exist:");
    }

    [GeneratedRegex(@"`([A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*/?)`")]
    private static partial Regex PathInBackticks();

    [GeneratedRegex(@"^docs/adr/\d{4}-[a-z0-9-]+\.md$")]
    private static partial Regex RecordFile();

    [GeneratedRegex(@"\]\((\d{4}-[a-z0-9-]+\.md)\)")]
    private static partial Regex RecordLink();

    [GeneratedRegex(@"`([A-Z]\w*Tests)\.([A-Z]\w+)`")]
    private static partial Regex NamedTest();

    [GeneratedRegex(@"\]\((?![a-z]+:|#|<)([^)#\s]+)(?:#[^)]*)?\)")]
    private static partial Regex RelativeLink();
}
