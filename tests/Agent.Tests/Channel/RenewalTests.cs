using Bulkhead.Agent.Channel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Channel;

public sealed class RenewalTests : IAsyncLifetime
{
    private const string Renew = "/agent/v1/renew";

    private readonly TemporaryFolder _folder = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly FakeTime _time = new();
    private TestController _controller = null!;
    private ControllerLink _link = null!;
    private Task _running = Task.CompletedTask;
    private int _asked;

    public async Task InitializeAsync()
    {
        _controller = await TestController.StartAsync();
        _link = new ControllerLink(_controller.MakeIdentity());
        _time.Advance(DateTimeOffset.UtcNow - _time.GetUtcNow());
        _controller.Refuse = path =>
        {
            Interlocked.Add(ref _asked, path == Renew ? 1 : 0);
            return null;
        };
        _running = new CertificateRenewal(_link, _folder.State(), new Problems(() => { }), _time, NullLogger.Instance).RunAsync(_stop.Token);
        await RestsAsync();
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _running);
        _link.Dispose();
        await _controller.DisposeAsync();
        _folder.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task A_certificate_is_renewed_by_the_wall_clock_however_that_is_set()
    {
        // Back by days: it is not due. Forth by days: it seems to have expired, and is renewed at once.
        var first = _link.Identity.Certificate;
        _time.SetBy = TimeSpan.FromDays(-3);
        await PassAsync(TimeSpan.FromMinutes(5));
        Assert.Equal((0, first), (_asked, _link.Identity.Certificate));
        _time.SetBy = TimeSpan.FromDays(3);
        await PassAsync(TimeSpan.FromMinutes(1));
        var second = _link.Identity.Certificate;
        Assert.Equal((1, false), (_asked, second.AsSpan().SequenceEqual(first)));

        // By the right time again, the fresh one is due when 2/3 of it are over, and not before.
        _time.SetBy = default;
        await PassAsync(TimeSpan.FromHours(15));
        Assert.Equal((1, second), (_asked, _link.Identity.Certificate));
        await PassAsync(TimeSpan.FromHours(1));
        Assert.Equal((2, false), (_asked, _link.Identity.Certificate.AsSpan().SequenceEqual(second)));
    }

    [Fact]
    public async Task While_the_clock_is_ahead_of_the_controllers_one_is_asked_for_in_an_hour()
    {
        _time.SetBy = TimeSpan.FromDays(3);
        await PassAsync(TimeSpan.FromMinutes(1));
        await PassAsync(TimeSpan.FromMinutes(59));
        Assert.Equal(1, _asked);
        await PassAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(2, _asked);
    }

    /// <summary>Lets time pass, and what comes of that be done.</summary>
    private Task PassAsync(TimeSpan by)
    {
        _time.Advance(by);
        return RestsAsync();
    }

    private Task RestsAsync() => Eventually.Holds(() => _time.Waiting > 0 || _running.IsCompleted, "it waits");
}
