using Microsoft.Playwright;

namespace Bulkhead.Console.Tests.Stage;

/// <summary>Debian's Chromium, headless, with a fresh profile each time.</summary>
internal sealed class Browser : IAsyncDisposable
{
    /// <summary>How long something awaited may take, in ms: a deadline on a busy machine, not an expectation.</summary>
    private const float Patience = 30_000;

    private static readonly string[] s_quiet =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private readonly IPlaywright _playwright;
    private readonly IBrowser _chromium;

    private Browser(IPlaywright playwright, IBrowser chromium) => (_playwright, _chromium) = (playwright, chromium);

    public static async Task<Browser> LaunchAsync()
    {
        Assertions.SetDefaultExpectTimeout(Patience);
        var playwright = await Playwright.CreateAsync();
        return new(playwright, await playwright.Chromium.LaunchAsync(new() { ExecutablePath = "/usr/bin/chromium", Args = s_quiet }));
    }

    /// <summary>A visitor without cookies, at 1440 × 900.</summary>
    public async Task<IBrowserContext> VisitAsync(RunningController controller, ColorScheme theme = ColorScheme.Light)
    {
        var visitor = await _chromium.NewContextAsync(new()
        {
            BaseURL = controller.Url.ToString(),
            IgnoreHTTPSErrors = true, // The CA is the controller's own; no browser knows it.
            ViewportSize = new() { Width = 1440, Height = 900 },
            ColorScheme = theme,
            ReducedMotion = ReducedMotion.Reduce,
        });
        visitor.SetDefaultTimeout(Patience);
        return visitor;
    }

    public async ValueTask DisposeAsync()
    {
        await _chromium.DisposeAsync();
        _playwright.Dispose();
    }
}
