using System.CommandLine;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent completion</c>: prints what teaches a shell to complete this program's words.</summary>
internal static class CompletionCommand
{
    /// <summary>The command.</summary>
    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish." }.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Print a shell's completion script.") { shell };
        command.SetAction(parsed => Console.Write(Script(parsed.GetRequiredValue(shell))));
        return command;
    }

    /// <summary>Each script asks the program itself, with the line and the cursor's place in it.</summary>
    private static string Script(string shell) => shell switch
    {
        "bash" => """
            # To use it: source <(bulkhead-agent completion bash)
            _bulkhead_agent() {
              mapfile -t COMPREPLY < <(compgen -W "$(bulkhead-agent "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}")
            }
            complete -o default -F _bulkhead_agent bulkhead-agent

            """,
        "zsh" => """
            #compdef bulkhead-agent
            # To use it: source <(bulkhead-agent completion zsh)
            _bulkhead_agent() {
              local -a words_of
              words_of=("${(@f)$(bulkhead-agent "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
              compadd -a words_of || _files
            }
            compdef _bulkhead_agent bulkhead-agent

            """,
        _ => """
            # To use it: bulkhead-agent completion fish | source
            function __bulkhead_agent
              set -l line (commandline -cp)
              bulkhead-agent "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
            end
            complete -c bulkhead-agent -a '(__bulkhead_agent)'

            """,
    };
}
