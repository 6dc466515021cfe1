using System.Text.Json;
using Bulkhead.Contracts.Host;

namespace Bulkhead.Cli.Tests.Traffic;

/// <summary>Users ask their host's agent: nobody is signed in here, and there is no controller.</summary>
public sealed class WhyTests : IDisposable
{
    private const uint User = 4242;

    private static readonly IReadOnlyList<Block> s_blocks =
    [
        new("out", "tcp", "192.0.2.9", 5432, "deny", 17) { Last = DateTimeOffset.UnixEpoch, Packets = 3, Ruleset = "shop", Owner = "dba\u001b[2J", Because = "audit", Ticket = "T-1" },
        new("in", "udp", "192.0.2.8", 53, "default", null) { Last = DateTimeOffset.UnixEpoch, Packets = 1 },
    ];

    private readonly Session _person = new();

    [Fact]
    public async Task Says_which_rule_blocked_ones_own_connections_and_whom_to_ask()
    {
        Shown(s_blocks);
        var told = (await AskAsync()).Expect(ExitCode.Ok);
        Assert.Equal(
            """
            1970-01-01 00:00:00Z  your connection to 192.0.2.9, tcp/5432, was blocked (3 packets): rule 17 of ruleset shop (audit) denies it. Ask its owner, dba?[2J; ticket T-1.
            1970-01-01 00:00:00Z  192.0.2.8's connection to your udp/53 was blocked (1 packets): no rule allows it. Ask the owner of the application for a rule.

            """.ReplaceLineEndings("\n"),
            told.Output);
        Assert.Equal(s_blocks, JsonSerializer.Deserialize((await AskAsync("--output", "json")).Expect(ExitCode.Ok).Output, HostJson.Default.IReadOnlyListBlock));
    }

    [Fact]
    public async Task Says_that_nothing_was_blocked_apart_from_that_nobody_would_know()
    {
        Assert.Contains("No Bulkhead agent shows here", (await AskAsync()).Expect(ExitCode.NotFound).Error, StringComparison.Ordinal);
        Shown([]);
        Assert.StartsWith("Nothing of yours", (await AskAsync()).Expect(ExitCode.Ok).Output, StringComparison.Ordinal);
        Assert.Equal("[]\n", (await AskAsync("--output", "json")).Expect(ExitCode.Ok).Output);
    }

    public void Dispose() => _person.Dispose();

    private void Shown(IReadOnlyList<Block> blocks)
    {
        Directory.CreateDirectory(_person.PathOf("run"));
        if (blocks.Count > 0)
        {
            File.WriteAllBytes(UserBlocks.PathOf(_person.PathOf("run"), User), JsonSerializer.SerializeToUtf8Bytes(blocks, HostJson.Default.IReadOnlyListBlock));
        }
    }

    private Task<Result> AskAsync(params string[] more) => _person.RunAsync(["why", "--runtime", _person.PathOf("run"), "--uid", $"{User}", .. more]);
}
