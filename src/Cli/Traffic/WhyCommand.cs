using System.CommandLine;
using System.Globalization;
using Bulkhead.Cli.CommandLine;
using Bulkhead.Cli.Output;
using Bulkhead.Contracts.Host;

namespace Bulkhead.Cli.Traffic;

/// <summary><c>bulkhead why</c>: which of one's own connections this host blocked, and by what. Asks the host's agent alone: no sign-in, no privilege, no controller.</summary>
internal static class WhyCommand
{
    private static readonly Option<string> Folder = new("--runtime") { Description = "The folder in which the agent publishes.", DefaultValueFactory = _ => UserBlocks.Standard };
    private static readonly Option<uint?> User = new("--uid") { Description = "Another user's; for root." };

    public static Command Create(CliHost host) =>
        new Command("why", "Show which of your own connections this host blocked, and which rule did it. Needs no sign-in and no privilege.").With(Folder, User).Runs(host, call =>
        {
            call.Terminal.WriteText($"{Tell(call.Required(Folder), call.Value(User), call.Format == OutputFormat.Json)}\n");
            return Task.CompletedTask;
        });

    private static string Tell(string folder, uint? user, bool json)
    {
        try
        {
            return UserBlocks.Read(folder, user ?? EffectiveUser()) is { } blocks ? BlockText.Of(blocks, json)
                : throw new Failure(ExitCode.NotFound, $"No Bulkhead agent shows here what it blocks: {folder} is not there.", "Run this on the host whose connection failed; 'bulkhead explain' asks the controller.");
        }
        catch (UnauthorizedAccessException)
        {
            throw new Failure(ExitCode.Forbidden, "What was blocked for others is shown to them and to root only.", "Leave --uid out.");
        }
    }

    /// <summary>The second of the four user ids that the kernel tells of a process (proc(5)).</summary>
    private static uint EffectiveUser() => uint.Parse(
        File.ReadLines("/proc/self/status").First(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[2], CultureInfo.InvariantCulture);
}
