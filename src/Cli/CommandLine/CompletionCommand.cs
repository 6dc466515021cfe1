using System.CommandLine;

namespace Bulkhead.Cli.CommandLine;

/// <summary><c>bulkhead completion</c>: prints what teaches a shell to complete this program's words.</summary>
internal static class CompletionCommand
{
    private static readonly Argument<string> Shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." }.AcceptOnlyFromAmong("bash", "zsh", "fish");

    public static Command Create(CliHost host) => new Command("completion", "Print a shell's completion script.").With(Shell).Runs(host, call =>
    {
        call.Terminal.WriteText(Script(call.Value(Shell)));
        return Task.CompletedTask;
    });

    /// <summary>Each script asks the program itself, with the line and the cursor's place in it.</summary>
    private static string Script(string shell) => shell switch
    {
        "bash" => """
            # To use it: source <(bulkhead completion bash)
            _bulkhead() {
              mapfile -t COMPREPLY < <(compgen -W "$(bulkhead "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}")
            }
            complete -o default -F _bulkhead bulkhead

            """,
        "zsh" => """
            #compdef bulkhead
            # To use it: source <(bulkhead completion zsh)
            _bulkhead() {
              local -a words_of
              words_of=("${(@f)$(bulkhead "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
              compadd -a words_of || _files
            }
            compdef _bulkhead bulkhead

            """,
        _ => """
            # To use it: bulkhead completion fish | source
            function __bulkhead
              set -l line (commandline -cp)
              bulkhead "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
            end
            complete -c bulkhead -a '(__bulkhead)'

            """,
    };
}
