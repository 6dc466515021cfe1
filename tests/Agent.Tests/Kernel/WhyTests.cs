using System.Diagnostics;
using System.Text.Json;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>Ordinary users of the host ask what blocked their own connections; needs root, to become them.</summary>
public sealed class WhyTests : AgentProcessTests
{
    private const uint Alice = 20001;
    private const uint Bob = 20002;

    private string Runtime => Folder["run"];

    [Fact]
    public async Task A_user_sees_which_rule_blocked_ones_own_connection_and_nobody_elses()
    {
        File.SetUnixFileMode(Folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
        var policy = WirePolicies.Policy(2, outbound: Mode.Selective).Allowing(42, Direction.Outbound, "s0", 81, $"{TwoHosts.PeerAddress(false)}");
        policy.Entries[0].Action = Contracts.Agent.Action.Deny;
        Controller.Rules.Add(new RuleInfo { Rule = 42, Ruleset = "storefront", Owner = "shop-team", Ticket = "CHG-7" });
        Controller.Push(policy);
        Start("--runtime", Runtime);
        await AppliedAsync(2);

        Assert.NotEqual(0, RunAs(Alice, "bash", "-c", "echo > /dev/tcp/10.78.0.2/81").ExitCode);

        await Eventually.Holds(() => File.Exists(Path.Combine(Runtime, $"blocks-{Alice}")), "her blocks are published");
        await Eventually.Holds(() => WhyAs(Alice).Output.Contains("shop-team", StringComparison.Ordinal), "the rule's owner is known");
        var (exit, output) = WhyAs(Alice);
        Assert.Equal(0, exit);
        Assert.Contains("your connection to 10.78.0.2, tcp/81, was blocked", output, StringComparison.Ordinal);
        Assert.Contains("rule 42 of ruleset storefront denies it. Ask its owner, shop-team; ticket CHG-7.", output, StringComparison.Ordinal);
        var block = Assert.Single(JsonDocument.Parse(WhyAs(Alice, "--output", "json").Output).RootElement.EnumerateArray());
        Assert.Equal(("10.78.0.2", 81, 42L), (block.GetProperty("peer").GetString(), block.GetProperty("port").GetInt32(), block.GetProperty("rule").GetInt64()));

        Assert.Contains("Nothing of yours", WhyAs(Bob).Output, StringComparison.Ordinal);
        Assert.Equal(1, WhyAs(Bob, "--uid", $"{Alice}").ExitCode);
        Assert.NotEqual(0, RunAs(Bob, "ls", Runtime).ExitCode);
        Assert.NotEqual(0, RunAs(Alice, "rm", Path.Combine(Runtime, $"blocks-{Alice}")).ExitCode);
        Assert.Equal(0, Ask("why", "--runtime", Runtime, "--uid", $"{Alice}").ExitCode);
    }

    private (int ExitCode, string Output) WhyAs(uint uid, params string[] arguments) => RunAs(uid, [Program, "why", "--runtime", Runtime, .. arguments]);

    private (int ExitCode, string Output) RunAs(uint uid, params string[] command) => Hosts.Host.Inside(() =>
    {
        using var process = Process.Start(new ProcessStartInfo("setpriv", [$"--reuid={uid}", $"--regid={uid}", "--clear-groups", .. command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        })!;
        process.BeginErrorReadLine();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    });
}
