using System.Net.ServerSentEvents;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Live;

namespace Bulkhead.Controller.Tests.Hosting;

public sealed class EventsTests
{
    [Fact]
    public async Task A_watcher_is_told_what_kind_of_thing_changed()
    {
        await using var controller = await TestController.StartAsync();
        using var client = await controller.EditorAsync();
        using var deadline = new CancellationTokenSource(Eventually.Deadline);
        using var response = await client.SendAsync(HttpMethod.Get, "events", null);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        await using var events = SseParser.Create(await response.Content.ReadAsStreamAsync()).EnumerateAsync(deadline.Token).GetAsyncEnumerator();

        await client.PostAsync<WorkloadView>("workloads", new CreateWorkload("w", new Dictionary<string, string>(), ["10.0.0.1"]));
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("workloads", events.Current.EventType);
        await client.PutAsync<LabelKeys>("label-keys", new LabelKeys([], ["owner"]));
        do
        {
            Assert.True(await events.MoveNextAsync());
        }
        while (events.Current.EventType != "workloads");
    }

    [Fact]
    public async Task Many_changes_become_few_events_and_the_last_is_never_lost()
    {
        var clock = new FakeClock();
        var feed = new LiveFeed(clock);
        using var watcher = feed.TryWatch()!;
        await using var events = watcher.ReadAsync(CancellationToken.None).GetAsyncEnumerator();
        feed.Publish(LiveKinds.Flows);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("flows", events.Current.Kind);
        for (var i = 0; i < 1000; i++)
        {
            feed.Publish(i % 2 == 0 ? LiveKinds.Flows : LiveKinds.Draft);
        }

        var next = events.MoveNextAsync().AsTask();
        Assert.False(next.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(250));
        Assert.True(await next);
        var kinds = new List<string> { events.Current.Kind };
        Assert.True(await events.MoveNextAsync());
        kinds.Add(events.Current.Kind);
        Assert.Equal(["flows", "draft"], kinds);
        next = events.MoveNextAsync().AsTask();
        clock.Advance(TimeSpan.FromMilliseconds(250));
        Assert.False(next.IsCompleted);
        feed.Publish(LiveKinds.Revision);
        Assert.True(await next);
        Assert.Equal("revision", events.Current.Kind);
    }

    [Fact]
    public async Task Nothing_to_tell_wakes_nobody_however_often_it_is_told()
    {
        var clock = new FakeClock();
        var feed = new LiveFeed(clock);
        using var watcher = feed.TryWatch()!;
        for (var i = 0; i < 3; i++)
        {
            feed.Publish(LiveKinds.None);
        }

        await using var events = watcher.ReadAsync(CancellationToken.None).GetAsyncEnumerator();
        var next = events.MoveNextAsync().AsTask();
        feed.Publish(LiveKinds.Draft);
        Assert.True(await next);
        Assert.Equal("draft", events.Current.Kind);
    }

    [Fact]
    public async Task A_committed_write_is_answered_so_whatever_becomes_of_those_who_are_told()
    {
        await using var controller = await TestController.StartAsync();
        using var admin = await controller.ClientAsync();
        var told = 0;
        controller.Live.Changed += (_, _) => throw new InvalidOperationException("A follower fails.");
        controller.Live.Changed += (_, _) => told++;
        await admin.PostAsync<WorkloadView>("workloads", new CreateWorkload("w", new Dictionary<string, string>(), ["10.0.0.1"]));
        Assert.Equal(1, told);
    }

    [Fact]
    public void The_number_of_watchers_is_bounded()
    {
        var feed = new LiveFeed(TimeProvider.System);
        var watchers = Enumerable.Range(0, LiveFeed.MaxWatchers).Select(_ => feed.TryWatch()!).ToList();
        Assert.Null(feed.TryWatch());
        watchers[0].Dispose();
        Assert.NotNull(feed.TryWatch());
    }
}
