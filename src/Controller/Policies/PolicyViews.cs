using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Policies;

/// <summary>Policy as REST shows it.</summary>
public static class PolicyViews
{
    /// <summary>The code of the warning that some host goes without a rule; provisioning wants it acknowledged.</summary>
    public const string LeftOutCode = "left-out";

    /// <summary>How the draft stands.</summary>
    public static DraftStatus StatusOf(LiveSnapshot snapshot) => new(
        snapshot.Provisioned.Number,
        snapshot.DraftPolicy.Version,
        Changes(snapshot.Provisioned.Document, snapshot.DraftPolicy.Document),
        [
            .. DiagnosticsOf(snapshot.DraftPolicy.Model, snapshot.DraftPolicy.Model.Ok ? snapshot.Draft : null)
                .Concat(snapshot.DraftProofs.Select(proof => proof.ToDiagnostic()).OfType<Diagnostic>()).Select(Problems.ToView),
        ]);

    /// <summary>Everything to be said about a policy: of its text, and of its compilation for today's workloads.</summary>
    public static IEnumerable<Diagnostic> DiagnosticsOf(Checked<Policy.Rules.PolicyModel> model, CompiledPolicy? compiled) =>
        compiled is null ? model.Diagnostics : model.Diagnostics.Concat(compiled.Diagnostics).Concat(LeftOut(compiled)).Distinct();

    /// <summary>What hosts go without, as warnings.</summary>
    public static IEnumerable<Diagnostic> LeftOut(CompiledPolicy compiled)
    {
        var rulesets = compiled.Policy.Rulesets.SelectMany(set => set.Rules.Select(rule => (rule.Id, set.Name))).ToDictionary(pair => pair.Id, pair => pair.Name);
        return compiled.LeftOut.Select(left => Diagnostic.Warning(LeftOutCode, $"rulesets[{rulesets[left.Rule]}].rules[id={left.Rule}]", left.Reason));
    }

    /// <summary>The differences between two policies.</summary>
    public static IReadOnlyList<PolicyChange> Changes(PolicyDocument before, PolicyDocument after) =>
        [.. PolicyDiff.Diff(before, after).Select(change => new PolicyChange(change.Kind, change.Name, change.Change, [.. change.Details]))];
}
