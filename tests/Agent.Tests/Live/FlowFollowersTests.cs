using System.Text.Json;
using Bulkhead.Agent.Commands;
using Bulkhead.Agent.Live;
using Bulkhead.Agent.State;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Live;

/// <summary>The socket of the running agent and <c>flows</c>, which reads from it.</summary>
public sealed class FlowFollowersTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly WindowPace _pace = new(1, () => TimeSpan.Zero, () => { }, TimeProvider.System);
    private readonly StateDirectory _state;
    private readonly FlowFollowers _followers;
    private Task _running = Task.CompletedTask;

    public FlowFollowersTests()
    {
        _state = StateDirectory.Create(_folder.Path);
        _followers = new FlowFollowers(_state.Flows, _pace, NullLogger.Instance);
    }

    public async Task InitializeAsync()
    {
        _running = _followers.RunAsync(_stop.Token);
        await Eventually.Holds(() => File.Exists(_state.Flows), "the socket is there");
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _folder.Dispose();
    }

    [Fact]
    public async Task Whoever_follows_gets_each_window_and_windows_are_short_meanwhile()
    {
        using var output = new StringWriter();
        using var enough = new CancellationTokenSource();
        var following = FlowsCommand.ShowAsync(_state, follow: true, json: true, output, enough.Token);
        await Eventually.Holds(() => _followers.Count == 1, "it follows");
        Assert.Equal(WindowPace.Live, _pace.Length);

        _followers.Publish(Batch(443));
        _followers.Publish(Batch(5432));
        await Eventually.Holds(() => Lines(output).Count == 2, "both windows are shown");
        await enough.CancelAsync();
        Assert.Equal(ExitCodes.Good, await following);
        await Eventually.Holds(() => _followers.Count == 0, "it is gone");
        Assert.Equal(WindowPace.Usual, _pace.Length);

        var flow = JsonDocument.Parse(Lines(output)[1]).RootElement;
        Assert.Equal(
            ("out", "allowed", "none", "10.0.0.9", "db.example.org", "tcp/5432", "/usr/bin/psql", 77, "alice", "root", 3),
            (Text(flow, "direction"), Text(flow, "verdict"), Text(flow, "by"), Text(flow, "remote"), Text(flow, "remoteName"), Text(flow, "port"),
                Text(flow, "process"), flow.GetProperty("pid").GetInt32(), Text(flow, "user"), Text(flow, "owner"), flow.GetProperty("connections").GetInt32()));
    }

    [Fact]
    public async Task One_that_was_stopped_does_not_keep_windows_short_until_it_goes_on()
    {
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        await socket.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(_state.Flows));
        await Eventually.Holds(() => _followers.Count == 1, "it follows");
        for (var i = 0; i < FlowFollowers.MostUnread; i++)
        {
            _followers.Publish(Batch(443));
        }

        Assert.Equal(WindowPace.Live, _pace.Length);
        _followers.Publish(Batch(443));
        Assert.Equal(WindowPace.Usual, _pace.Length);
        await socket.SendAsync(new byte[FlowFollowers.MostUnread]);
        await Eventually.Holds(() => _pace.Length == WindowPace.Live, "it goes on");
        socket.Dispose();
        await Eventually.Holds(() => _pace.Length == WindowPace.Usual && _followers.Count == 0, "it is gone");
    }

    [Fact]
    public async Task Whoever_shows_each_window_is_watching_for_as_long_as_it_does()
    {
        using var output = new StringWriter();
        using var enough = new CancellationTokenSource();
        var following = FlowsCommand.ShowAsync(_state, follow: true, json: true, output, enough.Token);
        await Eventually.Holds(() => _followers.Count == 1, "it follows");
        for (var i = 1; i <= 3 * FlowFollowers.MostUnread; i++)
        {
            _followers.Publish(Batch(443));
            await Eventually.Holds(() => Lines(output).Count == i, "it is shown");
        }

        await Eventually.Holds(() => _pace.Length == WindowPace.Live, "it is watching");
        await enough.CancelAsync();
        Assert.Equal(ExitCodes.Good, await following);
    }

    [Fact]
    public async Task Without_follow_it_ends_after_a_window()
    {
        using var output = new StringWriter();
        var showing = FlowsCommand.ShowAsync(_state, follow: false, json: false, output, CancellationToken.None);
        await Eventually.Holds(() => _followers.Count == 1, "it follows");
        _followers.Publish(Batch(443));
        Assert.Equal(ExitCodes.Good, await showing);
        Assert.Contains("10.0.0.1 -> 10.0.0.9 (db.example.org) tcp/443  /usr/bin/psql[77] app.service as alice", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_the_agent_stops_following_ends_and_says_so()
    {
        using var output = new StringWriter();
        var following = FlowsCommand.ShowAsync(_state, follow: true, json: true, output, CancellationToken.None);
        await Eventually.Holds(() => _followers.Count == 1, "it follows");
        await _stop.CancelAsync();
        Assert.Equal("agent-stopped", (await Assert.ThrowsAsync<AgentException>(() => following)).Code);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running);
        Assert.False(File.Exists(_state.Flows));
        Assert.Equal("not-followable", (await Assert.ThrowsAsync<AgentException>(() => FlowsCommand.ShowAsync(_state, true, true, output, CancellationToken.None))).Code);
    }

    [Fact]
    public async Task One_that_does_not_read_holds_up_nobody_and_is_told_what_it_missed()
    {
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        await socket.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(_state.Flows));
        await Eventually.Holds(() => _followers.Count == 1, "it follows");
        var big = Batch(443);
        big.Processes[0].Path = new string('x', 1 << 20);
        const int windows = 60;
        for (var i = 0; i < windows; i++)
        {
            _followers.Publish(big);
        }

        await using var stream = new System.Net.Sockets.NetworkStream(socket);
        ulong seen = 0;
        ulong missed = 0;
        while (seen + missed < windows)
        {
            var length = new byte[4];
            await stream.ReadExactlyAsync(length);
            var content = new byte[BitConverter.ToInt32(length)];
            await stream.ReadExactlyAsync(content);
            var batch = FlowBatch.Parser.ParseFrom(content);
            seen += batch.WindowMs > 0 ? 1ul : 0;
            missed += batch.DroppedBatches;
        }

        Assert.True(missed > 0);
        Assert.Equal((ulong)windows, seen + missed);
    }

    [Fact]
    public void Only_the_owner_may_open_the_socket() => Assert.Equal(DurableFile.Private, File.GetUnixFileMode(_state.Flows));

    private static string? Text(JsonElement line, string name) => line.GetProperty(name).GetString();

    private static List<string> Lines(StringWriter output) => [.. output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)];

    private static FlowBatch Batch(uint port)
    {
        var (local, remote) = (ByteString.CopyFrom(10, 0, 0, 1), ByteString.CopyFrom(10, 0, 0, 9));
        return new()
        {
            WindowMs = 1000,
            WindowUnixMs = 1_700_000_000_000,
            Processes = { new ProcessInfo { Path = "/usr/bin/psql", Name = "psql", Pid = 77, StartTime = 5, Unit = "app.service", User = "alice", Owner = "root" } },
            Flows = { new FlowSummary { Direction = Direction.Outbound, LocalAddress = local, RemoteAddress = remote, Protocol = 6, Port = port, Process = 1, Outcome = Outcome.Passed, Connections = 3 } },
            Names = { new AddressName { Address = remote, Name = "db.example.org" } },
        };
    }
}
