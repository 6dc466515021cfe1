using System.Text.Json;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Output;

/// <summary>
/// Where a command writes and asks: results to standard output, everything else (questions, progress, problems) to standard error.
/// Colour only on a terminal, and never with NO_COLOR set.
/// </summary>
internal sealed class Terminal
{
    private const int UnboundedWidth = 100_000;
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1);
    private static readonly JsonSerializerOptions Indented = new(RestJson.Options) { WriteIndented = true };

    private readonly TextWriter _errorWriter;
    private readonly bool _interactive;

    private Terminal(TextWriter output, bool outputIsTerminal, TextWriter error, bool errorIsTerminal, bool interactive)
    {
        Writer = output;
        _interactive = interactive;
        _errorWriter = error;
        Out = Console(output, outputIsTerminal);
        Error = Console(error, errorIsTerminal);
    }

    /// <summary>Standard output itself.</summary>
    public TextWriter Writer { get; }

    /// <summary>Results.</summary>
    public IAnsiConsole Out { get; }

    /// <summary>Questions, progress and problems.</summary>
    public IAnsiConsole Error { get; }

    /// <summary>The process's own.</summary>
    public static Terminal OfProcess() => new(
        System.Console.Out,
        !System.Console.IsOutputRedirected,
        System.Console.Error,
        !System.Console.IsErrorRedirected,
        !System.Console.IsInputRedirected && !System.Console.IsErrorRedirected);

    /// <summary>Plain text, and nobody to ask.</summary>
    public static Terminal Plain(TextWriter output, TextWriter error) => new(output, false, error, false, false);

    /// <summary>Writes a result as REST's JSON.</summary>
    public void WriteJson<T>(T value) => Writer.WriteLine(JsonSerializer.Serialize(value, Indented));

    /// <summary>Writes one result of a stream as one line of JSON.</summary>
    public void WriteJsonLine<T>(T value)
    {
        Writer.WriteLine(JsonSerializer.Serialize(value, RestJson.Options));
        Writer.Flush();
    }

    /// <summary>Writes text as it is.</summary>
    public void WriteText(string text) => Writer.Write(text);

    /// <summary>A remark for the person, not part of the result.</summary>
    public void Note(string text) => _errorWriter.WriteLine(Words.Printable(text));

    /// <summary>Asks for a secret without showing it; fails with the other way to give it if there is nobody to ask.</summary>
    public string AskSecret(string prompt, string otherwise) => _interactive
        ? Error.Prompt(new TextPrompt<string>(Markup.Escape(prompt)).Secret(null))
        : throw Failure.Usage($"{prompt} is needed, and there is no terminal to ask at.", otherwise);

    /// <summary>Asks for a go-ahead; without a terminal <paramref name="otherwise"/> says how to give it.</summary>
    public bool Confirm(string question, string otherwise) => _interactive
        ? Error.Prompt(new ConfirmationPrompt(Markup.Escape(question)) { DefaultValue = false })
        : throw Failure.Usage("This needs a go-ahead, and there is no terminal to ask at.", otherwise);

    /// <summary>Says what is being waited for once it takes longer than a second.</summary>
    public async Task<T> WaitAsync<T>(string what, Task<T> work, CancellationToken cancel)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (await Task.WhenAny(work, Task.Delay(Silence, done.Token)).ConfigureAwait(false) != work)
        {
            if (Error.Profile.Capabilities.Interactive)
            {
                return await Error.Status().StartAsync(Markup.Escape(what), _ => work).ConfigureAwait(false);
            }

            Note($"{what}…");
        }

        await done.CancelAsync().ConfigureAwait(false);
        return await work.ConfigureAwait(false);
    }

    /// <summary>Says what went wrong, at which places, and what to do next.</summary>
    public void Report(Failure failure)
    {
        Error.Write(new Text("error: ", new Style(Color.Red)));
        Note(failure.Message);
        Report(failure.Diagnostics);
        if (failure.Next is { } next)
        {
            Note(next);
        }
    }

    /// <summary>One line a diagnostic, each with its place.</summary>
    public void Report(IEnumerable<DiagnosticView> diagnostics)
    {
        foreach (var diagnostic in diagnostics)
        {
            Error.Write(new Text($"  {diagnostic.Severity}", new Style(diagnostic.Severity == "error" ? Color.Red : Color.Yellow)));
            Note($" {(diagnostic.Path.Length > 0 ? diagnostic.Path : "input")}: {diagnostic.Message} [{diagnostic.Code}]");
        }
    }

    private static IAnsiConsole Console(TextWriter writer, bool isTerminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!isTerminal)
        {
            console.Profile.Width = UnboundedWidth;
        }

        return console;
    }
}
