using System.CommandLine;
using Bulkhead.Lab.Commands;

namespace Bulkhead.Lab.Tests;

public sealed class CommandLineTests
{
    private const string AllAgentOptions = "--agent a --controller https://198.18.7.1:8444 --ca-sha256 ab12 --key-file k";

    [Fact]
    public void Agent_options_are_read_together() =>
        Assert.Equal(new AgentOptions("a", new("https://198.18.7.1:8444"), "ab12", "k"), Read(AllAgentOptions));

    [Fact]
    public void Agent_options_may_be_left_out() => Assert.Null(Read(""));

    [Fact]
    public void Some_agent_options_alone_are_refused() => Assert.Throws<LabException>(() => Read("--agent a --key-file k"));

    [Theory]
    [InlineData("up --controller 198.18.7.1:8444", "not an https address")]
    [InlineData("status --output yaml", "yaml")]
    [InlineData("exec", "Required argument")]
    [InlineData("hold web1", "Required argument")]
    [InlineData("dwon", "dwon")]
    public void A_malformed_command_line_is_refused(string line, string error) =>
        Assert.Contains(LabCommands.Root().Parse(line).Errors, mistake => mistake.Message.Contains(error, StringComparison.Ordinal));

    [Theory]
    [InlineData("up --file x.yaml --id a --dir /d --hosts a,b " + AllAgentOptions)]
    [InlineData("agents start web1 app1 --id a " + AllAgentOptions)]
    [InlineData("agents kill")]
    [InlineData("exec web1 -- curl -s http://app1/")]
    [InlineData("attack --from web1 --to db1/mariadb cache1/redis -6 --output json")]
    [InlineData("probe --allowed web1:app1/appserver --forbidden a:b/c d:e/f --interval 50")]
    public void A_good_command_line_is_understood(string line) => Assert.Empty(LabCommands.Root().Parse(line).Errors);

    private static AgentOptions? Read(string line)
    {
        var agents = new AgentArguments();
        var command = new Command("c");
        foreach (var option in agents.Options)
        {
            command.Add((Option)option);
        }

        return agents.Read(command.Parse(line));
    }
}
