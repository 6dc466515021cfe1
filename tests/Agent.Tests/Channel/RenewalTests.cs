using Bulkhead.Agent.Channel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bulkhead.Agent.Tests.Channel;

public sealed class RenewalTests
{
    private const string Renew = "/agent/v1/renew";

    [Fact]
    public async Task A_certificate_is_renewed_by_the_wall_clock_however_that_is_set()
    {
        await using var controller = await TestController.StartAsync();
        using var folder = new TemporaryFolder();
        using var link = new ControllerLink(controller.MakeIdentity());
        using var stop = new CancellationTokenSource();
        var (time, asked) = (new FakeTime(), 0);
        time.Advance(DateTimeOffset.UtcNow - time.GetUtcNow());
        controller.Refuse = path =>
        {
            asked += path == Renew ? 1 : 0;
            return null;
        };
        var running = new CertificateRenewal(link, folder.State(), new Problems(() => { }), time, NullLogger.Instance).RunAsync(stop.Token);

        // Back by days: it is not due. Forth by days: it seems to have expired, and is renewed at once.
        time.SetBy = TimeSpan.FromDays(-3);
        time.Advance(TimeSpan.FromMinutes(5));
        var first = link.Identity.Certificate;
        time.SetBy = TimeSpan.FromDays(3);
        await RenewedAsync(first);

        // By the right time again, the fresh one is due when 2/3 of it are over, and not before.
        var second = link.Identity.Certificate;
        time.SetBy = default;
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(second, link.Identity.Certificate);
        time.Advance(TimeSpan.FromHours(16));
        await RenewedAsync(second);

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.InRange(asked, 2, 4);

        Task RenewedAsync(byte[] before) => Eventually.Holds(
            () =>
            {
                time.Advance(TimeSpan.FromMinutes(1));
                return !link.Identity.Certificate.AsSpan().SequenceEqual(before);
            },
            "it is renewed");
    }
}
