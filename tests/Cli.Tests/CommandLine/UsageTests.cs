using System.CommandLine;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;

namespace Bulkhead.Cli.Tests.CommandLine;

/// <summary>A wrong command line is refused with a sentence, a way on, and exit code 2, before anything is asked of a controller.</summary>
public sealed class UsageTests
{
    [Theory]
    [InlineData("provision", "--note")]
    [InlineData("bogus", "bogus")]
    [InlineData("map --view nope", "reported, enforced, draft")]
    [InlineData("status --output xml", "table, json")]
    [InlineData("flows --follow --until 3h", "exclude each other")]
    [InlineData("flows --since yesterday", "'yesterday' is not a time")]
    [InlineData("flows --limit 0", "1 up")]
    [InlineData("modes set app=shop", "Name a direction")]
    [InlineData("pairing-keys create lab --network 198.18.0.0/24 --expires-in soon", "'soon' is not a length of time")]
    [InlineData("completion tcsh", "tcsh")]
    [InlineData("login http://127.0.0.1:1 --ca-sha256 00", "is not a controller's address")]
    [InlineData("login https://127.0.0.1:1", "Say which controller you trust")]
    [InlineData("login https://127.0.0.1:1 --ca-sha256 00", "64 hexadecimal digits")]
    [InlineData("login https://127.0.0.1:1 --ca-file does-not-exist", "cannot be read")]
    public async Task Says_what_is_wrong(string line, string said)
    {
        using var session = new Session();
        var result = (await session.RunAsync(line.Split(' '))).Expect(ExitCode.Usage);
        Assert.Contains(said, result.Error, StringComparison.Ordinal);
        Assert.Empty(result.Output);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("workloads list")]
    [InlineData("labels set web1 role=web")]
    [InlineData("draft changes")]
    [InlineData("provision --note why --yes")]
    [InlineData("revisions list")]
    [InlineData("logout")]
    public async Task Without_a_sign_in_says_how_to_sign_in(string line)
    {
        using var session = new Session();
        var result = (await session.RunAsync(line.Split(' '))).Expect(ExitCode.NotSignedIn);
        Assert.Contains("bulkhead login", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_command_and_option_is_described()
    {
        using var session = new Session();
        Assert.Empty(Undescribed(BulkheadCommand.Create(new(Terminal.Plain(TextWriter.Null, TextWriter.Null), session.Profile, TimeProvider.System)), "bulkhead"));
    }

    [Theory]
    [InlineData("bulkhead wor", "workloads")]
    [InlineData("bulkhead draft ", "discard")]
    [InlineData("bulkhead map --view ", "enforced")]
    public async Task Completes_words(string line, string word)
    {
        using var session = new Session();
        var result = (await session.RunAsync($"[suggest:{line.Length}]", line)).Expect(ExitCode.Ok);
        Assert.Contains(word, result.Output.Split('\n', StringSplitOptions.TrimEntries));
    }

    [Theory]
    [InlineData("bash", "complete -o default -F _bulkhead bulkhead")]
    [InlineData("zsh", "compdef _bulkhead bulkhead")]
    [InlineData("fish", "complete -c bulkhead")]
    public async Task Prints_completion_scripts(string shell, string line)
    {
        using var session = new Session();
        Assert.Contains(line, (await session.RunAsync("completion", shell)).Expect(ExitCode.Ok).Output, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Undescribed(Command command, string path)
    {
        foreach (var symbol in command.Children)
        {
            var name = $"{path} {symbol.Name}";
            if (string.IsNullOrWhiteSpace(symbol.Description))
            {
                yield return name;
            }

            if (symbol is Command child)
            {
                foreach (var found in Undescribed(child, name))
                {
                    yield return found;
                }
            }
        }
    }
}
