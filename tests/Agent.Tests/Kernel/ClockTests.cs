using Bulkhead.Agent.Channel;
using Bulkhead.Agent.Linux.Firewall;
using Bulkhead.Agent.Policies;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;
using Bulkhead.Enforcement.Marks;
using Bulkhead.Enforcement.Render;
using Bulkhead.Policy.Compile;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>Hosts whose wall clock is set by days while the agent runs; the firewall is a real one. Needs root.</summary>
public sealed class ClockTests : IAsyncLifetime
{
    private readonly TwoHosts _hosts = new();
    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly WallClock _time = new();
    private readonly Problems _problems = new(() => { });
    private readonly FirewallDriver _firewall;
    private readonly PolicyLoop _loop;
    private readonly TableWatch _watch;
    private Task _running = Task.CompletedTask;

    public ClockTests()
    {
        var state = _folder.State();
        var policy = WirePolicies.Policy(2, inbound: Mode.Full);
        new PolicyCache(state).BeforeApplying(ReceivedPolicy.Of(policy, PolicyDecoder.Decode(policy).Value!));
        _firewall = _hosts.Host.Inside(() => FirewallDriver.Open(() => NameLookups.None));
        _loop = new(state, _firewall, [Features.Base], MarkTable.DefaultMask, null, null, new OwnConnections(_time), _problems, () => { }, _time, NullLogger.Instance);
        _watch = _hosts.Host.Inside(() => _firewall.Watch(_loop.Inbox.ReportTampering, _loop.Inbox.ReportDoubt));
    }

    public async Task InitializeAsync()
    {
        await _loop.StartAsync(default);
        _running = Task.Run(() => _loop.RunAsync(_stop.Token));
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _watch.Dispose();
        _loop.Dispose();
        _firewall.Dispose();
        _hosts.Dispose();
        _folder.Dispose();
        _stop.Dispose();
    }

    [Theory]
    [InlineData(-3)]
    [InlineData(3)]
    public async Task Tampering_is_undone_whatever_the_wall_clock_is_set_to(int days)
    {
        for (var times = 1UL; times < 4; times++)
        {
            _hosts.Host.Run("nft", "delete", "table", "inet", "bulkhead");
            await Eventually.Holds(() => _loop.Tampered >= times && _hosts.Host.Run("nft", "list", "tables").Contains("inet bulkhead", StringComparison.Ordinal), "the table is back");
            _time.Offset += TimeSpan.FromDays(days);
        }
    }

    [Theory]
    [InlineData(-3)]
    [InlineData(3)]
    public async Task What_failed_is_tried_again_whatever_the_wall_clock_is_set_to(int days)
    {
        // Of a table that another process owns the kernel refuses every change.
        using var owner = _hosts.Host.Inside(() => System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("nft", ["-i"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!);
        await owner.StandardInput.WriteLineAsync("delete table inet bulkhead; add table inet bulkhead { flags owner; }");
        await Eventually.Holds(() => _problems.Current.Any(problem => problem.Code == "apply-failed"), "it fails");

        _time.Offset += TimeSpan.FromDays(days);
        owner.Kill();
        await owner.WaitForExitAsync();

        await Eventually.Holds(() => _problems.Current.All(problem => problem.Code == "table-tampered") && _loop.State.Applied is { Number: 2 }, "it is taken");
    }

    /// <summary>A clock of the system that is set by an offset; what elapses is not.</summary>
    private sealed class WallClock : TimeProvider
    {
        public TimeSpan Offset { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;
    }
}
