using Microsoft.Playwright;

namespace Bulkhead.Console.Tests.Stage;

/// <summary>A controller with a company in it and a browser before it, for tests that only look.</summary>
public sealed class FurnishedHouse : IAsyncLifetime
{
    private const string Password = "correct horse battery";
    private RunningController? _controller;
    private RestClient? _rest;
    private SeededCompany? _company;
    private Browser? _browser;

    internal RestClient Rest => _rest!;

    public async Task InitializeAsync()
    {
        _controller = await RunningController.StartAsync();
        _rest = await RestClient.SignInFirstAsync(_controller, Password);
        _company = await SeededCompany.MoveInAsync(_controller, _rest);
        _browser = await Browser.LaunchAsync();
    }

    /// <summary>A page of the console with somebody signed in.</summary>
    internal async Task<Visit> OpenAsync(string path, ColorScheme theme = ColorScheme.Light)
    {
        var visit = await Visit.BeginAsync(_browser!, _controller!, theme);
        await visit.EnterAsync(Password);
        await visit.Page.GotoAsync(path);
        return visit;
    }

    public async Task DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        if (_company is not null)
        {
            await _company.DisposeAsync();
        }

        _rest?.Dispose();
        if (_controller is not null)
        {
            await _controller.DisposeAsync();
        }
    }
}
