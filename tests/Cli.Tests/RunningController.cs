using System.Net;
using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Microsoft.AspNetCore.Builder;

namespace Bulkhead.Cli.Tests;

/// <summary>A real controller in this process: its own data folder, real TLS on free ports, and a person who may sign in to it.</summary>
internal sealed class RunningController : IAsyncDisposable
{
    public const string NewPassword = "correct horse battery";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("bulkhead-cli-controller-");
    private readonly DataFolder _data;
    private readonly CertificateAuthority _authority;
    private readonly WebApplication _app;

    private RunningController()
    {
        _data = DataFolder.Open(_folder.FullName);
        _authority = CertificateAuthority.Open(_data, TimeProvider.System);
        var anyPort = new IPEndPoint(IPAddress.Loopback, 0);
        _app = ControllerApp.Build(new() { Listen = anyPort, AgentListen = [anyPort] }, _data, _authority, TimeProvider.System);
    }

    public Session Person { get; } = new();

    public string OneTimePassword { get; private set; } = "";

    /// <summary>Where the administrator's password is, once signed in.</summary>
    public string PasswordFile { get; private set; } = "";

    /// <summary>Where REST is.</summary>
    public string Url => _app.Urls.First();

    public string Fingerprint => _authority.Sha256;

    public static async Task<RunningController> StartAsync()
    {
        var controller = new RunningController();
        controller.OneTimePassword = (await ControllerApp.OpenAsync(controller._app, CancellationToken.None))!;
        await controller._app.StartAsync();
        return controller;
    }

    /// <summary>A controller, and a person who has signed in to it as its administrator.</summary>
    public static async Task<RunningController> SignedInAsync()
    {
        var controller = await StartAsync();
        await controller.SignInAsync();
        return controller;
    }

    public async Task SignInAsync()
    {
        var old = Person.File("one-time", OneTimePassword);
        var chosen = PasswordFile = Person.File("password", NewPassword);
        (await Person.RunAsync("login", Url, "--ca-sha256", Fingerprint, "--password-file", old, "--new-password-file", chosen)).Expect(ExitCode.Ok);
    }

    /// <summary>Runs a command as the person, and expects an exit code.</summary>
    public async Task<Result> RunAsync(int expected, params string[] arguments) => (await Person.RunAsync(arguments)).Expect(expected);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _authority.Dispose();
        _data.Dispose();
        Person.Dispose();
        _folder.Delete(recursive: true);
    }
}
