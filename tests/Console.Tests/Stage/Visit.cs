using Microsoft.Playwright;

namespace Bulkhead.Console.Tests.Stage;

/// <summary>Somebody at the console. Whatever the browser complains about (a script, the content security policy) is kept.</summary>
internal sealed class Visit : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly List<string> _complaints = [];

    private Visit(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.PageError += (_, message) => _complaints.Add(message);
        page.Console += (_, message) =>
        {
            // A refused request is also logged by the browser; the console shows it as a sentence.
            if (message.Type is "error" && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal))
            {
                _complaints.Add(message.Text);
            }
        };
    }

    public IPage Page { get; }

    /// <summary>What the browser's own console said.</summary>
    public IReadOnlyList<string> Complaints => _complaints;

    public static async Task<Visit> BeginAsync(Browser browser, RunningController controller, ColorScheme theme = ColorScheme.Light)
    {
        var context = await browser.VisitAsync(controller, theme);
        return new(context, await context.NewPageAsync());
    }

    public async Task SignInAsync(string password)
    {
        await Page.GotoAsync("/");
        await Page.GetByLabel("Account").FillAsync("admin");
        await Page.GetByLabel("Password").First.FillAsync(password);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }

    /// <summary>Signs in, and waits until the console is there.</summary>
    public async Task EnterAsync(string password)
    {
        await SignInAsync(password);
        await Assertions.Expect(Button("Find")).ToBeVisibleAsync();
    }

    /// <summary>Clicks on a link's line, wherever it runs.</summary>
    public async Task ClickStrandAsync(string id)
    {
        var line = Strand(id).Locator(".line");
        await line.WaitForAsync(new() { State = WaitForSelectorState.Attached });
        var at = await line.EvaluateAsync<float[]>("path => { const p = path.getPointAtLength(path.getTotalLength() * 0.5).matrixTransform(path.getScreenCTM()); return [p.x, p.y]; }");
        await Page.Mouse.ClickAsync(at[0], at[1]);
    }

    /// <summary>Keeps a picture of the page, in both themes, among the test results.</summary>
    public async Task KeepPictureAsync(string name)
    {
        foreach (var theme in new[] { ColorScheme.Dark, ColorScheme.Light })
        {
            await Page.EmulateMediaAsync(new() { ColorScheme = theme });
            await Page.ScreenshotAsync(new() { Animations = ScreenshotAnimations.Disabled, Path = Path.Combine(Repository.Results, $"{name}-{theme}.png".ToLowerInvariant()) });
        }
    }

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name });

    public ILocator Node(string id) => Page.Locator($"[data-node='{id}']");

    public ILocator Strand(string id) => Page.Locator($"[data-strand='{id}']");

    public ValueTask DisposeAsync() => _context.DisposeAsync();
}
