using System.Text.RegularExpressions;
using Bulkhead.Policy.Labels;
using Bulkhead.PolicyFiles.Inventory;

namespace Bulkhead.PolicyFiles.Tests;

/// <summary>The examples that operators copy from the documentation are read without a problem of form.</summary>
public partial class DocsTests
{
    public static TheoryData<string> Examples() => [.. new[] { "policy.md", "cli.md" }.SelectMany(file => Yaml().Matches(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, file))).Select(match => match.Groups[1].Value))];

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_is_what_it_says(string example)
    {
        var problems = example.Contains("workloads:", StringComparison.Ordinal)
            ? InventoryFile.Read(new("example", example)).Problems
            : PolicyFolder.Read([new("example", example)]).Check(new HashSet<string>(LabelText.BuiltInKeys)).Problems;
        // An example may use words that another one declares.
        Assert.DoesNotContain(problems, p => p.Found.Severity == Policy.Severity.Error && !p.Found.Code.StartsWith("unknown-network", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^```yaml\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Yaml();
}
