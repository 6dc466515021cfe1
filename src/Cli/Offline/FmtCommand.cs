using System.CommandLine;
using System.Text;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.PolicyFiles;

namespace Bulkhead.Cli.Offline;

/// <summary>What became of formatting, for programs.</summary>
/// <param name="Changed">Files that were not in style.</param>
/// <param name="Unchanged">How many were.</param>
/// <param name="Skipped">Files that have no style here: JSON.</param>
/// <param name="Problems">Why files were left alone.</param>
internal sealed record FmtResult(IReadOnlyList<string> Changed, int Unchanged, IReadOnlyList<string> Skipped, IReadOnlyList<FileProblem> Problems);

/// <summary><c>bulkhead policy fmt</c>: brings files into the one style, comments included.</summary>
internal static class FmtCommand
{
    private static readonly Option<bool> Check = new("--check") { Description = "Change nothing; say which files are not in style, and exit with 1 if there is one." };

    public static Command Create(CliHost host) => new Command("fmt", "Bring policy files, and the inventory, into the one style. What they say, their comments and the order of lists stay.")
        .With(OfflineOptions.Paths, OfflineOptions.Inventory, Check).Runs(host, RunAsync);

    private static async Task<int> RunAsync(Call call)
    {
        var paths = PolicyPaths.Find(call.Value(OfflineOptions.Paths), call.Value(OfflineOptions.Inventory));
        var check = call.Value(Check);
        var (result, problems) = await call.WaitAsync("Formatting", Task.Run(() => Format(paths, check), call.Cancel)).ConfigureAwait(false);
        call.Terminal.Report(problems.Select(OfflinePolicy.View));
        call.Show(result, _ =>
        {
            foreach (var file in result.Skipped)
            {
                call.Terminal.Note($"{file} is JSON, which has no style here; left alone.");
            }

            foreach (var file in result.Changed)
            {
                call.Terminal.WriteText($"{file}\n");
            }

            call.Terminal.Note(check
                ? $"{result.Changed.Count.Of("file")} not in style, {result.Unchanged.Of("file")} in style."
                : $"{result.Changed.Count.Of("file")} formatted, {result.Unchanged.Of("file")} left as they were.");
        });
        return result.Problems.Count > 0 || (check && result.Changed.Count > 0) ? ExitCode.Refused : ExitCode.Ok;
    }

    private static (FmtResult Result, IReadOnlyList<FileDiagnostic> Problems) Format(PolicyPaths paths, bool check)
    {
        var (changed, skipped) = (new List<string>(), new List<string>());
        var unchanged = 0;
        var problems = new List<FileDiagnostic>();
        var files = paths.Policy.Select(file => (File: file, Format: (Func<SourceFile, (string? Text, IReadOnlyList<FileDiagnostic> Problems)>)Formatter.Format));
        foreach (var (file, format) in paths.Inventory is { } inventory ? files.Append((inventory, Formatter.FormatInventory)) : files)
        {
            if (file.Extension == ".json")
            {
                skipped.Add(file.ToString());
                continue;
            }

            var source = PolicyPaths.Read(file);
            var (text, found) = format(source);
            if (text is null)
            {
                problems.AddRange(found);
            }
            else if (text == source.Text)
            {
                unchanged++;
            }
            else
            {
                changed.Add(source.Name);
                if (!check)
                {
                    Replace(file, text);
                }
            }
        }

        return (new(changed, unchanged, skipped, [.. problems.Select(problem => FileProblem.Of(problem, []))]), problems);
    }

    /// <summary>In one step, so that an interruption leaves the old file or the new one; behind a link, the file that it leads to.</summary>
    private static void Replace(FileInfo file, string text)
    {
        var target = file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file.FullName;
        var draft = Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.{Environment.ProcessId}");
        try
        {
            File.WriteAllText(draft, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(draft, File.GetUnixFileMode(target));
            }

            File.Move(draft, target, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            File.Delete(draft);
            throw new Failure(ExitCode.Refused, $"{file} cannot be written: {error.Message}");
        }
    }
}
