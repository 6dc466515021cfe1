using Bulkhead.Console.Tests.Stage;
using Bulkhead.Policy.Documents;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Bulkhead.Console.Tests;

/// <summary>Two people edit the draft at once, and neither loses anything.</summary>
public sealed class EditingTests(FurnishedHouse house) : IClassFixture<FurnishedHouse>
{
    [Fact]
    public async Task What_somebody_else_changed_meanwhile_is_not_overwritten_and_what_lies_beside_it_is_no_conflict()
    {
        await using var visit = await house.OpenAsync("/policy/modes");
        await visit.Button("Add a line").ClickAsync();
        var workloads = visit.Page.GetByRole(AriaRole.Combobox, new() { Name = "Workloads" });
        await workloads.First.FillAsync("app=storefront");

        // Beside it: saved all the same.
        await house.Rest.PutAsync<ServiceDocument>("policy/draft/services/web", new ServiceDocument { Ports = ["tcp/80"] });
        await visit.Button("Save to draft").ClickAsync();
        await Expect(visit.Page.GetByText("The list of modes is in the draft.").First).ToBeVisibleAsync();
        Assert.Equal(["app=storefront"], (await house.Rest.GetAsync<PolicyDocument>("policy/draft")).Modes.Select(mode => mode.Selector));

        // The same list: theirs stays, mine is told.
        await house.Rest.PutAsync<IReadOnlyList<ModeDocument>>(
            "policy/draft/modes", new ModeDocument[] { new() { Selector = "app=storefront", Inbound = "full", Outbound = "full" }, new() { Selector = "role=db", Inbound = "full", Outbound = "full" } });
        await visit.Button("Add a line").ClickAsync();
        await workloads.Last.FillAsync("role=web");
        await visit.Button("Save to draft").ClickAsync();
        await Expect(visit.Page.GetByText("was changed by somebody else meanwhile")).ToBeVisibleAsync();
        Assert.Equal(["app=storefront", "role=db"], (await house.Rest.GetAsync<PolicyDocument>("policy/draft")).Modes.Select(mode => mode.Selector).Order(StringComparer.Ordinal));
    }
}
