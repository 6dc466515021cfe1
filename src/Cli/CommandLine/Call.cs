using System.CommandLine;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Cli.Connection;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.CommandLine;

/// <summary>One run of one command: its arguments, the terminal, and the signed-in controller.</summary>
internal sealed class Call(CliHost host, ParseResult arguments, CancellationToken cancel) : IDisposable
{
    private X509Certificate2? _authority;
    private ControllerClient? _controller;

    public CliHost Host => host;

    public Terminal Terminal => host.Terminal;

    public CancellationToken Cancel => cancel;

    public DateTimeOffset Now => host.Clock.GetUtcNow();

    public OutputFormat Format => arguments.GetValue(BulkheadCommand.Output) ?? OutputFormat.Table;

    /// <summary>The controller of the stored sign-in; fails if there is none.</summary>
    public ControllerClient Controller
    {
        get
        {
            if (_controller is null)
            {
                var profile = host.Profile.Load();
                _authority = Authority.FromPem(profile.Authority, host.Profile.Path);
                _controller = new(profile.Url, _authority, profile.Key);
            }

            return _controller;
        }
    }

    public T Value<T>(Argument<T> argument) => arguments.GetRequiredValue(argument);

    /// <summary>Null if it was not given.</summary>
    public T? Optional<T>(Argument<T?> argument)
        where T : class => arguments.GetValue(argument);

    public T? Value<T>(Option<T> option) => arguments.GetValue(option);

    public T Required<T>(Option<T> option) => arguments.GetRequiredValue(option);

    public Task<T> GetAsync<T>(string path) => WaitAsync("Asking the controller", Controller.GetAsync<T>(path, cancel));

    public Task<Page<T>> GetAllAsync<T>(string path, int limit) => WaitAsync("Asking the controller", Controller.GetAllAsync<T>(path, limit, cancel));

    public Task<T> SendAsync<T>(HttpMethod method, string path, object? body = null) =>
        WaitAsync("Waiting for the controller", Controller.SendAsync<T>(method, path, body, cancel));

    public Task SendAsync(HttpMethod method, string path, object? body = null) => Controller.SendAsync(method, path, body, cancel);

    public Task<T> WaitAsync<T>(string what, Task<T> work) => Terminal.WaitAsync(what, work, cancel);

    /// <summary>Writes a result in the form that was asked for.</summary>
    public void Show<T>(T value, Action<T> asTable)
    {
        if (Format == OutputFormat.Json)
        {
            Terminal.WriteJson(value);
        }
        else
        {
            asTable(value);
        }
    }

    /// <summary>Says what was done; with JSON the exit code says it, and nothing is written.</summary>
    public void Done(string sentence)
    {
        if (Format == OutputFormat.Table)
        {
            Terminal.WriteText($"{sentence}\n");
        }
    }

    /// <summary>Says so if a list was cut off.</summary>
    public void NoteMore<T>(Page<T> page)
    {
        if (page.Next is not null)
        {
            Terminal.Note($"{page.Items.Count.Text()} of {page.Total.Text()}; use --limit for more.");
        }
    }

    /// <summary>Asks for a go-ahead unless <c>--yes</c> was given; false if the person declined.</summary>
    public bool Confirmed(string question) =>
        Value(CommonOptions.Yes) || Terminal.Confirm(question, "Add --yes if you are sure.");

    public void Dispose()
    {
        _controller?.Dispose();
        _authority?.Dispose();
    }
}
