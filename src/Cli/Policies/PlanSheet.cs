using Bulkhead.Cli.CommandLine;
using Bulkhead.Contracts.Rest;
using Spectre.Console;

namespace Bulkhead.Cli.Policies;

/// <summary>What provisioning would make of the draft, for people.</summary>
internal static class PlanSheet
{
    public static void Write(Call call, ProvisionPlan plan, IAnsiConsole console)
    {
        DraftEdit.Changes(plan.Changes).WriteTo(console, "");
        foreach (var carried in plan.Carried)
        {
            console.WriteLine($"{carried.Part} comes along: {carried.With} needs it.");
        }

        if (plan.Left.Count > 0)
        {
            console.WriteLine($"These changes stay in the draft: {string.Join(", ", plan.Left.Select(change => change.Name.Length == 0 ? change.Kind : $"{change.Kind}/{change.Name}"))}");
        }

        if (plan.NeedApproval.Count > 0)
        {
            console.WriteLine($"A second person must approve: {string.Join(", ", plan.NeedApproval)}");
        }

        console.WriteLine();
        console.WriteLine("Between all workloads that could exist, in their modes:");
        ProofSheets.Write(call.Terminal, plan.Effects, console);
        console.WriteLine();
        ImpactSheet.Write(call.Terminal, plan.Impact, call.Now, console);
        // What hosts go without stands there already.
        call.Terminal.Report(plan.Diagnostics.Where(diagnostic => !plan.Impact.LeftOut.Contains(diagnostic)));
    }
}
