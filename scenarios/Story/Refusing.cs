using Bulkhead.Contracts.Rest;

namespace Bulkhead.Scenarios.Story;

/// <summary>Bad input: each a clear error, and nothing changes.</summary>
internal static class Refusing
{
    private static readonly (string What, string Yaml, string Code)[] Mistakes =
    [
        ("a malformed ruleset", "rulesets:\n  - name: bad\n    scopes: [{selector: 'app=storefront'}]\n    rules: [{from: 'role=web', to: '', services: [nope]}]\n", "empty-selector"),
        ("an unknown label key", "rulesets:\n  - name: bad\n    scopes: [{selector: 'tier=web'}]\n    rules: []\n", "unknown-label-key"),
        ("host bits in a CIDR", "networks:\n  - name: bad\n    addresses: ['10.0.0.1/8']\n", "host-bits-set"),
        ("overlapping CIDRs", "networks:\n  - name: bad\n    addresses: ['10.0.0.0/8', '10.1.0.0/16']\n", "overlap"),
    ];

    public static async Task<string> BadInputAsync(Stage stage, CancellationToken cancellationToken)
    {
        var before = await stage.Operator.AskAsync<DraftStatus>(cancellationToken, "draft", "changes");
        foreach (var (what, yaml, code) in Mistakes)
        {
            var file = Path.Combine(stage.Folder, "bad.yaml");
            await File.WriteAllTextAsync(file, yaml, cancellationToken);
            var (exit, output, error) = await stage.Operator.TryAsync(cancellationToken, "draft", "import", file);
            if (exit == 0 || !(output + error).Contains(code, StringComparison.Ordinal))
            {
                throw new StoryException($"{what}: ended with {exit}, and does not say {code}: {error.Trim()}");
            }
        }

        var after = await stage.Operator.AskAsync<DraftStatus>(cancellationToken, "draft", "changes");
        return after.DraftVersion == before.DraftVersion
            ? $"{Mistakes.Length} mistakes, each refused by name: {string.Join(", ", Mistakes.Select(m => m.Code))}"
            : throw new StoryException($"the draft went from version {before.DraftVersion} to {after.DraftVersion}");
    }
}
