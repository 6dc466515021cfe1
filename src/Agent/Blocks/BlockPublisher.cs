using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Blocks;

/// <summary>Writes users' blocks to their files, at most once a second, with the names of the rules' owners.</summary>
internal sealed class BlockPublisher(BlockJournal journal, BlockFiles files, RuleNames names, Problems problems, TimeProvider time)
{
    private const string Topic = "blocks";
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        Try(files.Clear);
        using var timer = new PeriodicTimer(_pause, time);
        while (await timer.WaitForNextTickAsync(cancel))
        {
            // Written before anybody is asked: the controller may be what is blocked.
            foreach (var (uid, blocks) in journal.TakeChanged())
            {
                Try(() => files.Write(uid, names.Name(blocks)));
                if (await names.LearnAsync(blocks, cancel))
                {
                    Try(() => files.Write(uid, names.Name(blocks)));
                }
            }
        }
    }

    private void Try(System.Action write)
    {
        try
        {
            write();
            problems.Clear(Topic);
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            problems.Set(Topic, new Failure
            {
                Code = "blocks-not-shown",
                Message = $"Users cannot be shown what was blocked ('bulkhead-agent why'): {failed.Message}",
                Remedy = "Make /run/bulkhead writable for the agent, and let it keep CAP_CHOWN.",
            });
        }
    }
}
