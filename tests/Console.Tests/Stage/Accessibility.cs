using System.Text.Json;
using Microsoft.Playwright;

namespace Bulkhead.Console.Tests.Stage;

/// <summary>The axe checker (WCAG 2.2 A and AA).</summary>
internal static class Accessibility
{
    private const string Run = "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then(r => r.violations.map(v => `${v.id}: ${v.help}: ` + v.nodes.map(n => n.html.slice(0, 160) + ' ' + (n.any[0]?.message ?? '')).slice(0, 4).join(' | ')))";

    /// <summary>What is wrong with the page, a line for each rule.</summary>
    public static async Task<IReadOnlyList<string>> ProblemsAsync(IPage page)
    {
        await page.EvaluateAsync(await File.ReadAllTextAsync(Repository.Axe));
        var found = await page.EvaluateAsync<JsonElement>(Run);
        return [.. found.EnumerateArray().Select(line => line.GetString()!)];
    }
}
