using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Policies.Approvals;
using Bulkhead.Controller.Policies.Trials;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Traffic;
using Bulkhead.Policy;
using Bulkhead.Policy.Assertions;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Policies;

/// <summary>What a policy would do in place of the one in force, for those who provision it and those who approve it.</summary>
public sealed class PlanViews(TrafficReader traffic, AdminSessions sessions, Ledger ledger)
{
    /// <summary>All of it.</summary>
    /// <param name="snapshot">With the revision in force.</param>
    /// <param name="plan">The policy.</param>
    /// <param name="draft">What the draft says afterwards.</param>
    /// <param name="window">Of traffic.</param>
    /// <param name="now">When.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<ProvisionPlan> OfAsync(LiveSnapshot snapshot, DraftPlan plan, PolicyDocument draft, TrafficWindow window, DateTimeOffset now, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(plan);
        await using var database = await ledger.ReadAsync(cancellation).ConfigureAwait(false);
        var compiled = plan.Compile();
        var enforced = snapshot.Provisioned;
        return new(
            enforced.Number,
            snapshot.DraftPolicy.Version,
            PolicyViews.Changes(enforced.Document, plan.Document),
            [.. plan.Carried.Select(carried => new CarriedChange(carried.Part.ToString(), carried.With.ToString()))],
            PolicyViews.Changes(plan.Document, draft),
            DraftProofs.EffectsOf(enforced.Model, plan.Model, now, inForce: true),
            ShowImpact.Of(traffic.Read(window, snapshot, () => compiled)),
            await ApprovalGate.ConcernedAsync(database, snapshot, plan.Document, plan.Model, cancellation).ConfigureAwait(false),
            [
                .. PolicyViews.DiagnosticsOf(plan.Checked, compiled)
                    .Concat(AssertionChecker.Check(plan.Model, now, snapshot.Workloads).Select(proof => proof.ToDiagnostic()).OfType<Diagnostic>())
                    .Concat(sessions.CutBy(compiled, snapshot.Enforced, now)).Concat(TrialEdits.EndedBy(snapshot, plan.Document)).Select(Problems.ToView),
            ]);
    }
}
