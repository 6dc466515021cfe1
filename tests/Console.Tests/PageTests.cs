using Bulkhead.Console.Tests.Stage;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Bulkhead.Console.Tests;

/// <summary>Every page, in both themes: nothing that the browser or the accessibility checker complains about.</summary>
public sealed class PageTests(FurnishedHouse house) : IClassFixture<FurnishedHouse>
{
    /// <summary>A page and what is on it once it has loaded.</summary>
    public static TheoryData<string, string> Pages => new()
    {
        { "/map", "storefront" },
        { "/map?as=table", "web of storefront/prod" },
        { "/map?view=draft&sel=app%3Dstorefront%2Cenv%3Dprod", "Members" },
        { "/workloads", "web1" },
        { "/workloads/web1", "Its policy" },
        { "/policy/rulesets", "No rules yet" },
        { "/policy/rulesets/new", "Scope" },
        { "/policy/modes", "Add a line" },
        { "/policy/services", "No services yet" },
        { "/policy/networks", "Fail-safe" },
        { "/policy/assertions", "Nothing is asserted yet" },
        { "/policy/health", "Every rule does what it says" },
        { "/draft", "Nothing to provision" },
        { "/revisions", "Nothing provisioned yet" },
        { "/pairing", "tests" },
        { "/audit", "Seal" },
    };

    [Theory]
    [MemberData(nameof(Pages))]
    public async Task A_page_is_sound_in_both_themes(string path, string text)
    {
        foreach (var theme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            await using var visit = await house.OpenAsync(path, theme);
            await Expect(visit.Page.Locator("#main").GetByText(text).First).ToBeVisibleAsync();
            Assert.Empty(visit.Complaints);
            var problems = await Accessibility.ProblemsAsync(visit.Page);
            Assert.True(problems.Count == 0, string.Join('\n', problems.Prepend($"{path}, {theme}:")));
        }
    }

    [Fact]
    public async Task The_palette_finds_a_workload_by_its_address_from_the_keyboard()
    {
        await using var visit = await house.OpenAsync("/draft");
        await Expect(visit.Page.GetByText("Nothing to provision")).ToBeVisibleAsync();
        await visit.Page.Keyboard.PressAsync("Control+k");
        await visit.Page.GetByRole(AriaRole.Textbox, new() { Name = "Find" }).FillAsync("198.18.0.15");
        await Expect(visit.Page.GetByRole(AriaRole.Dialog).GetByText("db1", new() { Exact = true })).ToBeVisibleAsync();
        await visit.Page.Keyboard.PressAsync("Enter");
        await visit.Page.WaitForURLAsync("**/workloads/db1");
        await Expect(visit.Page.GetByText("/usr/sbin/mariadbd").First).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_map_is_worked_from_the_keyboard()
    {
        await using var visit = await house.OpenAsync("/map");
        var cell = visit.Node("app=storefront,env=prod,role=web");
        await Expect(cell).ToBeVisibleAsync();
        await cell.FocusAsync();
        await visit.Page.Keyboard.PressAsync("Space");
        await Expect(visit.Page.Locator("[data-node]").Filter(new() { HasText = "web2" }).Last).ToBeVisibleAsync();
        await cell.FocusAsync();
        await visit.Page.Keyboard.PressAsync("Enter");
        await Expect(visit.Page.GetByRole(AriaRole.Complementary, new() { Name = "Group" })).ToContainTextAsync("2 workloads");
        await visit.Page.Keyboard.PressAsync("Escape");
        await Expect(visit.Page.GetByRole(AriaRole.Complementary, new() { Name = "Group" })).ToBeHiddenAsync();
    }

    [Fact]
    public async Task What_the_map_shows_is_in_its_address()
    {
        await using var visit = await house.OpenAsync("/map");
        await visit.Page.Locator(".legend").GetByRole(AriaRole.Button, new() { Name = "potentially blocked" }).ClickAsync();
        await visit.Page.GetByText("Enforced", new() { Exact = true }).ClickAsync();
        await visit.Page.WaitForURLAsync("**/map?view=enforced&hide=potentiallyBlocked");
        await visit.Page.ReloadAsync();
        await Expect(visit.Page.Locator(".legend").GetByRole(AriaRole.Button, new() { Name = "potentially blocked" })).ToHaveAttributeAsync("aria-pressed", "false");
    }

    [Fact]
    public async Task A_pairing_key_is_shown_once()
    {
        await using var visit = await house.OpenAsync("/pairing");
        await visit.Button("Create a key").ClickAsync();
        await visit.Page.GetByRole(AriaRole.Textbox, new() { Name = "Name", Exact = true }).FillAsync("frankfurt");
        await visit.Page.GetByPlaceholder("10.0.0.0/8 fd00::/8").FillAsync("10.0.0.0/8");
        await visit.Page.GetByRole(AriaRole.Textbox, new() { Name = "Labels given to its hosts" }).FillAsync("loc=fra");
        await visit.Button("Create key").ClickAsync();
        await Expect(visit.Page.GetByText("The secret is shown this once.")).ToBeVisibleAsync();
        await Expect(visit.Page.GetByText("bulkhead-agent pair")).ToBeVisibleAsync();
        await visit.Button("I have it").ClickAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Row, new() { Name = "frankfurt" })).ToContainTextAsync("10.0.0.0/8");
    }

    [Fact]
    public async Task A_viewer_who_signs_out_sees_the_way_in()
    {
        await using var visit = await house.OpenAsync("/audit");
        await visit.Page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Button, new() { Name = "admin" }).ClickAsync();
        await visit.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Sign out" }).ClickAsync();
        await Expect(visit.Button("Sign in")).ToBeVisibleAsync();
    }
}
