using Bulkhead.Console.Tests.Stage;
using Bulkhead.Policy.Documents;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Bulkhead.Console.Tests;

/// <summary>What must never be possible is written in the browser, proven, and proven again as the draft changes.</summary>
public sealed class ProvingTests(FurnishedHouse house) : IClassFixture<FurnishedHouse>
{
    [Fact]
    public async Task An_assertion_is_written_holds_and_fails_with_a_counterexample_once_a_rule_breaks_it()
    {
        await using var visit = await house.OpenAsync("/policy/assertions");
        await visit.Button("Assert something").ClickAsync();
        await visit.Page.GetByRole(AriaRole.Textbox, new() { Name = "Name" }).FillAsync("no-dev-to-prod");
        await visit.Page.GetByRole(AriaRole.Combobox, new() { Name = "From" }).FillAsync("env=");
        await visit.Button("Save to draft").ClickAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Dialog).GetByText("env=").First).ToBeVisibleAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Combobox, new() { Name = "To" })).ToHaveAttributeAsync("aria-invalid", "true");
        await visit.Page.GetByRole(AriaRole.Combobox, new() { Name = "From" }).FillAsync("env=dev");
        await visit.Page.GetByRole(AriaRole.Combobox, new() { Name = "To" }).FillAsync("env=prod");
        await visit.Button("Save to draft").ClickAsync();
        var row = visit.Page.GetByRole(AriaRole.Row, new() { Name = "no-dev-to-prod" });
        await Expect(row).ToContainTextAsync("env=dev must never be able to reach env=prod");
        await Expect(row).ToContainTextAsync("holds");

        await house.Rest.PutAsync<RulesetDocument>("policy/draft/rulesets/monitoring", new RulesetDocument
        {
            Scopes = [new() { Selector = "all" }],
            Rules = [new() { From = "all", To = "role=db", Services = ["tcp/9999"] }],
        });
        await Expect(row).ToContainTextAsync("fails");
        await Expect(row).ToContainTextAsync("tcp/9999");
        await Expect(row.GetByRole(AriaRole.Link, new() { Name = "monitoring #1" }).First).ToBeVisibleAsync();
        Assert.Empty(await Accessibility.ProblemsAsync(visit.Page));

        await visit.Page.GotoAsync("/policy/health");
        await Expect(visit.Page.GetByRole(AriaRole.Row, new() { Name = "monitoring #1" }).First).ToContainTextAsync("not used");
        Assert.Empty(await Accessibility.ProblemsAsync(visit.Page));
        Assert.DoesNotContain(visit.Complaints, complaint => !complaint.Contains("422", StringComparison.Ordinal));

        await visit.Page.GotoAsync("/draft");
        await Expect(visit.Page.GetByText("no-dev-to-prod").First).ToBeVisibleAsync();
    }
}
