using System.Xml.Linq;

namespace Bulkhead.Repo.Tests;

/// <summary>Projects depend in one direction, and the build rules hold for all of them.</summary>
public sealed class ProjectTests
{
    /// <summary>What each product project may reference. A new project needs an ADR and a row here.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Policy"] = [],
        ["PolicyFiles"] = ["Policy"],
        ["Enforcement"] = ["Policy"],
        ["Contracts"] = [],
        ["Controller"] = ["Policy", "Contracts"],
        ["Agent"] = ["Policy", "Enforcement", "Contracts"],
        ["Cli"] = ["Policy", "PolicyFiles", "Contracts"],
    };

    private static readonly string[] Pure = ["Policy", "PolicyFiles", "Enforcement"];

    public static TheoryData<string> ProductProjects => [.. Repository.Projects.Where(project => project.IsProduct).Select(project => project.Name)];

    [Theory]
    [MemberData(nameof(ProductProjects))]
    public void A_product_project_references_only_what_the_architecture_allows(string name)
    {
        Assert.True(Allowed.TryGetValue(name, out var allowed), $"src/{name} is not in the architecture: write an ADR and add it to this test.");
        Offences.None(Named(name).References.Except(allowed!), $"src/{name} references what it must not:");
    }

    [Fact]
    public void Nothing_in_the_product_references_the_lab_or_tests()
    {
        var outside = Repository.Projects.Where(project => !project.IsProduct).Select(project => project.Name);
        Offences.None(Repository.Projects.Where(project => project.IsProduct).SelectMany(project => project.References).Intersect(outside), "The product references:");
    }

    [Fact]
    public void Pure_projects_say_so_and_the_build_bans_impure_symbols_in_them()
    {
        Assert.All(Pure, name => Assert.True(Named(name).IsPure, $"src/{name} must set IsPureProject."));
        var pureItems = XDocument.Load(Repository.Full("Directory.Build.targets")).Descendants("ItemGroup")
            .Single(group => group.Attribute("Condition")?.Value.Contains("IsPureProject", StringComparison.Ordinal) == true);
        Assert.Contains(pureItems.Elements("PackageReference"), package => package.Attribute("Include")?.Value == "Microsoft.CodeAnalysis.BannedApiAnalyzers");
        Assert.Contains(pureItems.Elements("AdditionalFiles"), file => file.Attribute("Include")?.Value.EndsWith("BannedSymbols.txt", StringComparison.Ordinal) == true);
    }

    [Theory]
    [InlineData("System.DateTime.UtcNow")]
    [InlineData("System.DateTimeOffset.UtcNow")]
    [InlineData("System.Guid.NewGuid")]
    [InlineData("System.Random.Shared")]
    [InlineData("System.Environment")]
    [InlineData("System.IO.File")]
    [InlineData("System.Diagnostics.Process")]
    [InlineData("System.Net.Sockets.Socket")]
    public void The_list_of_banned_symbols_names(string symbol) =>
        Assert.Contains(Repository.Text("BannedSymbols.txt").Split('\n'), line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Split(';')[0] == symbol);

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var listed = XDocument.Load(Repository.Full("Bulkhead.slnx")).Descendants("Project").Select(project => project.Attribute("Path")!.Value);
        Assert.Equal(Repository.Projects.Select(project => project.File).Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_project_has_its_lock_file_committed()
    {
        var missing = Repository.Projects.Select(project => Path.GetDirectoryName(project.File) + "/packages.lock.json").Except(Repository.Files);
        Offences.None(missing, "Lock files are not committed:");
    }

    [Fact]
    public void No_project_names_a_package_version_or_switches_a_build_rule_off()
    {
        string[] rules = ["TreatWarningsAsErrors", "Nullable", "EnforceCodeStyleInBuild", "AnalysisLevel", "RestorePackagesWithLockFile"];
        Assert.All(Repository.Projects, project =>
        {
            Assert.DoesNotContain(project.Xml.Descendants("PackageReference"), package => package.Attribute("Version") is not null || package.Attribute("VersionOverride") is not null);
            Assert.DoesNotContain(project.Xml.Descendants(), element => rules.Contains(element.Name.LocalName));
        });
    }

    private static Project Named(string name) => Repository.Projects.Single(project => project.Name == name);
}
