using Bulkhead.Contracts.Rest;
using Bulkhead.Lab;

namespace Bulkhead.Scenarios.Story;

/// <summary>The whole story, unattended: see, label, draft, look, provision, survive, narrow, restore, leave.</summary>
internal static class CheckedStory
{
    /// <summary>Tells it; 0 if every step held.</summary>
    public static async Task<int> RunAsync(string id, int port, string? logs, CancellationToken cancellationToken)
    {
        var narrator = new Narrator(Console.Out);
        var before = await Footprint.TakeAsync(id, cancellationToken);
        Stage? stage = null;
        var up = await narrator.StepAsync("the lab and the controller come up", async () =>
        {
            stage = await Stage.UpAsync(new LabOptions(id), port, narrator.Progress, cancellationToken);
            return $"{stage.Lab.Hosts.Count} hosts with {stage.Lab.Hosts.Sum(h => h.Declaration.Daemons.Count)} daemons; console at {stage.Controller.Url}";
        });
        if (!up)
        {
            narrator.NotTaken("there is no lab to take them in");
            narrator.Close();
            return 1;
        }

        using (stage)
        {
            try
            {
                await TellAsync(stage!, narrator, cancellationToken);
            }
            finally
            {
                if (narrator.Failed > 0 && logs is not null)
                {
                    stage!.KeepLogs(logs);
                }

                await narrator.StepAsync("a clean shutdown leaves nothing behind", async () =>
                {
                    await stage!.DownAsync(CancellationToken.None);
                    return (await Footprint.TakeAsync(id, CancellationToken.None)).ComparedWith(before);
                });
            }
        }

        narrator.Close();
        return narrator.Failed == 0 ? 0 : 1;
    }

    private static async Task TellAsync(Stage stage, Narrator narrator, CancellationToken cancellationToken)
    {
        Task<bool> Step(string name, Func<Stage, CancellationToken, Task<string>> step) => narrator.StepAsync(name, () => step(stage, cancellationToken));

        if (!await Step("the operator signs in and must replace the one-time password", SignInAsync)
            || !await Step("every agent pairs and is online", Seeing.EveryAgentOnlineAsync))
        {
            narrator.NotTaken("without agents there is nothing to see");
            return;
        }

        await Step("the map shows every declared link with its processes, and no other", Seeing.EveryLinkOnTheMapAsync);
        await Step("a first revision is provisioned, all in visibility", Fencing.ProvisionBaselineAsync);
        await Step("before: the intruder on dev reaches everything over IPv4", (s, c) => Attacking.EverythingReachedAsync(s, ipv6: false, c));
        await Step("before: and over IPv6", (s, c) => Attacking.EverythingReachedAsync(s, ipv6: true, c));
        await Step("workloads are labelled", Fencing.LabelAsync);
        await Step("the ring-fence is drafted, with its mode full in the same draft", Fencing.DraftAsync);
        await Step("the draft would block exactly the intruder's links into the fence", Fencing.DraftBlocksTheIntruderOnlyAsync);
        await using var held = await Attacking.HoldForbiddenConnectionAsync(stage, cancellationToken);
        await Step("the ring-fence is provisioned and every affected host has it", Fencing.ProvisionFenceAsync);
        await Step("the established forbidden connection is dead", (_, c) => Attacking.HeldConnectionDiesAsync(held, c));
        await Step("after: the fence holds over IPv4, payments stay reachable", (s, c) => Attacking.FenceHoldsAsync(s, ipv6: false, c));
        await Step("after: and over IPv6", (s, c) => Attacking.FenceHoldsAsync(s, ipv6: true, c));
        await Step("the map shows the attacks blocked, with what blocked them, and payments not fenced", Attacking.BlocksAreOnTheMapAsync);
        await Step("explain names what decides", Attacking.ExplainAsync);
        await Step("the shop still works", Surviving.ShopWorksAsync);
        await Step("bad input is refused and changes nothing", Refusing.BadInputAsync);
        await Step("agents and controller are killed and come back, without a gap", (s, c) => Surviving.KillsAsync(s, narrator, c));
        await Step("the fence still holds", (s, c) => Attacking.FenceHoldsAsync(s, ipv6: false, c));
        await Step("the fence is made narrow: by process and by person", Narrowing.ProvisionAsync);
        await Step("right host, wrong process: blocked, and told why", Narrowing.WrongProcessAsync);
        await Step("right host, wrong person: blocked, and told why", Narrowing.WrongPersonAsync);
        await Step("the earlier revision is restored and everything is open again", Fencing.RestoreAsync);
    }

    private static async Task<string> SignInAsync(Stage stage, CancellationToken cancellationToken)
    {
        await stage.SignInAsync(cancellationToken);
        var status = await stage.Operator.AskAsync<StatusView>(cancellationToken, "status");
        return File.Exists(stage.Controller.FirstRunPassword)
            ? throw new StoryException("the one-time password's file is still there")
            : $"signed in to version {status.Version}; the one-time password is gone";
    }
}
