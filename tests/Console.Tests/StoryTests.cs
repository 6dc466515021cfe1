using Bulkhead.Console.Tests.Stage;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Bulkhead.Console.Tests;

/// <summary>The operator's loop in the browser, against the real controller: sign in, see, label, write, test, provision.</summary>
public sealed class StoryTests
{
    private const string Password = "correct horse battery";
    private const string Shop = "app=storefront,env=prod";
    private const string DevWeb = "app=storefront,env=dev,role=web";

    [Fact]
    public async Task From_first_sign_in_to_a_closed_compartment()
    {
        await using var controller = await RunningController.StartAsync();
        await using var browser = await Browser.LaunchAsync();
        await using var visit = await Visit.BeginAsync(browser, controller);

        await FirstSignInAsync(visit, controller);
        using var rest = await RestClient.SignInAsync(controller, Password);
        await using var company = await SeededCompany.MoveInAsync(controller, rest);
        await SeeAsync(visit);
        await LabelAsync(visit);
        await WriteRulesetAsync(visit);
        await CloseWallsAsync(visit);
        await ProvisionAsync(visit);
        await SeeBlockedAsync(visit, company);
        Assert.Empty(visit.Complaints);
    }

    private static async Task FirstSignInAsync(Visit visit, RunningController controller)
    {
        await visit.SignInAsync(controller.OneTimePassword);
        await visit.Page.GetByLabel("One-time password").FillAsync(controller.OneTimePassword);
        await visit.Page.GetByLabel("New password").FillAsync(Password);
        await visit.Page.GetByLabel("The same again").FillAsync(Password);
        await visit.Button("Change password").ClickAsync();
        await Expect(visit.Page.GetByText("No workloads yet")).ToBeVisibleAsync();
    }

    /// <summary>The company moves in while the map is open: it draws itself.</summary>
    private static async Task SeeAsync(Visit visit)
    {
        await Expect(visit.Node(Shop)).ToBeVisibleAsync();
        await Expect(visit.Node(DevWeb)).ToBeVisibleAsync();
        await visit.ClickStrandAsync($"{DevWeb}>{Shop},role=db>potentiallyBlocked");
        var panel = visit.Page.GetByRole(AriaRole.Complementary, new() { Name = "Link" });
        await Expect(panel).ToContainTextAsync("web of storefront/dev → db of storefront/prod");
        await Expect(panel).ToContainTextAsync("tcp/3306");
        await Expect(panel).ToContainTextAsync("nc to mariadbd");
        await Expect(panel).ToContainTextAsync("dev-web1 → db1");
        await visit.KeepPictureAsync("link");
        await panel.GetByLabel("Close").ClickAsync();
        await visit.Page.Mouse.MoveAsync(0, 0);
        await visit.KeepPictureAsync("map");
    }

    private static async Task LabelAsync(Visit visit)
    {
        await visit.Page.GetByRole(AriaRole.Link, new() { Name = "Workloads" }).ClickAsync();
        var cell = visit.Page.GetByTitle("Edit the labels of dns1");
        await cell.ClickAsync();
        var field = visit.Page.GetByRole(AriaRole.Textbox, new() { Name = "Labels of dns1" });
        await field.FillAsync("role=resolver app=ops env");
        await Expect(visit.Page.GetByText("'env' is not a label.")).ToBeVisibleAsync();
        await field.FillAsync("role=resolver app=ops env=shared");
        await visit.Button("Save labels").ClickAsync();
        await Expect(cell).ToContainTextAsync("resolver");
        await visit.Button("Undo").ClickAsync();
        await Expect(cell).Not.ToContainTextAsync("resolver");
    }

    /// <summary>The first rule is proposed by the map; the others are typed.</summary>
    private static async Task WriteRulesetAsync(Visit visit)
    {
        await visit.Page.GotoAsync($"/map?sel={Uri.EscapeDataString($"{Shop},role=web>{Shop},role=app")}");
        await visit.Page.GetByRole(AriaRole.Link, new() { Name = "Allow this…" }).ClickAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Textbox, new() { Name = "Name", Exact = true })).ToHaveValueAsync("storefront-prod");
        await Expect(visit.Page.Locator("input[aria-label=From]").First).ToHaveValueAsync("role=web");
        await visit.Page.GetByLabel("Reason").FillAsync("pages come from the application");
        await AddRuleAsync(visit, 1, "role=app", "role=db", "tcp/3306x");
        await visit.Button("Save to draft").ClickAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Group, new() { Name = "Rule " }).Nth(1)).ToContainTextAsync("'tcp/3306x'");
        await visit.Button("Remove rule 2").ClickAsync();
        await AddRuleAsync(visit, 1, "role=app", "role=db", "tcp/3306");
        await AddRuleAsync(visit, 2, "role=app", "role=cache", "tcp/6379");
        await AddRuleAsync(visit, 3, "app=users", "role=web", "tcp/80", "to within");
        await AddRuleAsync(visit, 4, "role=monitoring", "all", "tcp/9100", "to within");
        await AddRuleAsync(visit, 5, "role=app", "app=payments,role=app", "tcp/8090", "from within");
        await AddRuleAsync(visit, 6, "all", "role=dns", "udp/53", "from within");
        await AddRuleAsync(visit, 7, "role=jump", "role=web", "tcp/22", "to within");
        await visit.Button("Save to draft").ClickAsync();
        await visit.Page.WaitForURLAsync("**/policy/rulesets/storefront-prod");
        await Expect(visit.Page.GetByText("#8")).ToBeVisibleAsync();
        await visit.KeepPictureAsync("ruleset");
    }

    private static async Task AddRuleAsync(Visit visit, int index, string from, string to, string service, string? within = null)
    {
        await visit.Button("Add a rule").ClickAsync();
        var row = visit.Page.GetByRole(AriaRole.Group, new() { Name = "Rule " }).Nth(index);
        await row.Locator("input[aria-label=From]").FillAsync(from);
        await row.Locator("input[aria-label=To]").FillAsync(to);
        await row.Locator("input[aria-label=Services]").FillAsync(service);
        await row.Locator("input[aria-label=Services]").PressAsync("Enter");
        if (within is not null)
        {
            await row.Locator("input[aria-label='Within the scope']").ClickAsync();
            await visit.Page.GetByRole(AriaRole.Option, new() { Name = within }).ClickAsync();
        }
    }

    private static async Task CloseWallsAsync(Visit visit)
    {
        await visit.Page.GotoAsync($"/map?sel={Uri.EscapeDataString(Shop)}");
        await visit.Page.GetByRole(AriaRole.Link, new() { Name = "Close its walls…" }).ClickAsync();
        await Expect(visit.Page.GetByText("6 hosts")).ToBeVisibleAsync();
        await visit.Button("Save to draft").ClickAsync();
        await visit.Page.GetByRole(AriaRole.Link, new() { Name = "See it on the map" }).ClickAsync();
        await Expect(visit.Strand($"{DevWeb}>{Shop},role=db>blocked")).ToHaveClassAsync(new System.Text.RegularExpressions.Regex("newlyBlocked"));
        await Expect(visit.Page.Locator(".strand.newlyBlocked")).ToHaveCountAsync(2);
        await Expect(visit.Node(Shop).Locator(".wall.staged").First).ToBeVisibleAsync();
        await visit.KeepPictureAsync("map-draft");
    }

    private static async Task ProvisionAsync(Visit visit)
    {
        await visit.Page.GetByRole(AriaRole.Link, new() { Name = "Review 2 changes" }).ClickAsync();
        await Expect(visit.Page.GetByText("2 connections newly blocked, all seen in the last day.").First).ToBeVisibleAsync();
        var blocked = visit.Page.GetByRole(AriaRole.Table, new() { Name = "Connections that pass now and would be blocked" });
        await Expect(blocked.GetByRole(AriaRole.Row)).ToHaveCountAsync(3);
        await Expect(blocked).ToContainTextAsync("dev-web1");
        await visit.KeepPictureAsync("draft");
        await visit.Page.GetByLabel("Note").FillAsync("Ring-fence the shop");
        await visit.Button("Provision 2 changes").ClickAsync();
        await Expect(visit.Page.GetByText("affected hosts enforce it.")).ToContainTextAsync("All ");
        await visit.Page.GetByRole(AriaRole.Link, new() { Name = "Revisions" }).ClickAsync();
        await Expect(visit.Page.GetByRole(AriaRole.Row, new() { Name = "Ring-fence the shop" })).ToBeVisibleAsync();
    }

    private static async Task SeeBlockedAsync(Visit visit, SeededCompany company)
    {
        await visit.Page.GetByRole(AriaRole.Link, new() { Name = "Map", Exact = true }).ClickAsync();
        await company.ReportBlockedAsync("db1", "dev-web1", "tcp/3306");
        await Expect(visit.Strand($"{DevWeb}>{Shop},role=db>blocked").Locator(".bar")).ToHaveCountAsync(1);
        await Expect(visit.Node(Shop).Locator(".wall.full").First).ToBeVisibleAsync();
        await visit.Page.Mouse.MoveAsync(0, 0);
        await visit.KeepPictureAsync("map-closed");
    }
}
