using Bulkhead.Contracts.Rest;

namespace Bulkhead.Cli.Tests.Policies;

/// <summary>Provisioning for a time, and keeping it.</summary>
public sealed class TrialTests
{
    [Fact]
    public async Task It_says_until_when_and_stays_once_it_is_confirmed()
    {
        await using var controller = await RunningController.SignedInAsync();
        await controller.RunAsync(ExitCode.Ok, "modes", "set", "app=shop", "--inbound", "full");
        await controller.RunAsync(ExitCode.Usage, "provision", "--note", "try", "--yes", "--for", "soon");
        var done = await controller.RunAsync(ExitCode.Ok, "provision", "--note", "try", "--yes", "--for", "2h", "--revert-on-block");
        Assert.Contains("or the first unexpected block. To keep it: bulkhead revisions confirm 1", done.Output, StringComparison.Ordinal);
        Assert.Contains("in force", (await controller.RunAsync(ExitCode.Ok, "revisions", "show", "1")).Output, StringComparison.Ordinal);
        var trial = (await controller.RunAsync(ExitCode.Ok, "revisions", "show", "1", "--output", "json")).Json<RevisionView>();
        Assert.Equal((TrialState.Running, true, TimeSpan.FromHours(2)), (trial.Trial!.State, trial.Trial.RevertOnBlock, trial.Trial.Until - trial.Created));
        Assert.Contains("Revision 1 stays.", (await controller.RunAsync(ExitCode.Ok, "revisions", "confirm", "1")).Output, StringComparison.Ordinal);
        Assert.Contains("confirmed", (await controller.RunAsync(ExitCode.Ok, "revisions", "list")).Output, StringComparison.Ordinal);
        await controller.RunAsync(ExitCode.Refused, "revisions", "confirm", "1");
    }
}
