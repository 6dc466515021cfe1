using Bulkhead.Contracts.Agent;

namespace Bulkhead.Controller.Tests.Agents;

/// <summary>Whoever watches has the hosts that they watch report every second, for as long as they do.</summary>
public sealed class WatchTests
{
    [Fact]
    public async Task Only_hosts_that_somebody_watches_are_told_and_told_when_it_is_over()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1", ("role", "web"));
        using var db = await PolicyStreamTests.PairAsync(controller, admin, "db", "10.0.0.2", ("role", "db"));
        using var watched = await web.OpenAsync(deltas: true, watch: true);
        using var other = await db.OpenAsync(deltas: true, watch: true);
        Assert.NotNull(await watched.NextAsync());
        Assert.NotNull(await other.NextAsync());

        var events = await admin.SendAsync(HttpMethod.Get, "events?watch=role%3Dweb", null);
        Assert.Equal("text/event-stream", events.Content.Headers.ContentType?.MediaType);
        var told = await watched.NextMessageAsync();
        Assert.Equal((ServerMessage.BodyOneofCase.Watch, true), (told!.BodyCase, told.Watch.Seconds > 0));

        events.Dispose();
        Assert.Equal(0u, (await watched.NextMessageAsync())!.Watch.Seconds);
        Assert.True(other.IsQuiet);
    }

    [Fact]
    public async Task A_host_that_connects_while_it_is_watched_is_told_and_one_that_did_not_ask_is_not()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        using var web = await PolicyStreamTests.PairAsync(controller, admin, "web", "10.0.0.1", ("role", "web"));
        using var events = await admin.SendAsync(HttpMethod.Get, "events?watch=all", null);
        using (var old = await web.OpenAsync(deltas: true))
        {
            Assert.NotNull(await old.NextAsync());
            Assert.True(old.IsQuiet);
        }

        using var stream = await web.OpenAsync(deltas: true, watch: true);
        Assert.NotNull(await stream.NextAsync());
        Assert.True((await stream.NextMessageAsync())!.Watch.Seconds > 0);
    }

    [Fact]
    public async Task A_bad_selector_is_refused()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        await admin.RefusedAsync(HttpMethod.Get, "events?watch=colour%3Dred", null, 422, "invalid");
    }
}
