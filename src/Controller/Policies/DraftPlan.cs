using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Controller.Policies;

/// <summary>What is to be provisioned: the whole draft, or changes of it with all that they refer to.</summary>
public sealed class DraftPlan
{
    /// <summary>The most changes that can be named.</summary>
    public const int MostParts = 1000;

    private readonly LiveSnapshot _snapshot;
    private readonly Checked<PolicyModel> _checked;
    private readonly bool _whole;

    private DraftPlan(LiveSnapshot snapshot, PolicyDocument document, Checked<PolicyModel> parsed, IReadOnlyList<CarriedPart> carried, bool whole) =>
        (_snapshot, Document, _checked, Carried, _whole) = (snapshot, document, parsed, carried, whole);

    /// <summary>The policy that it leads to.</summary>
    public PolicyDocument Document { get; }

    /// <summary>The same checked.</summary>
    public PolicyModel Model => _checked.Value!;

    /// <summary>Changes that were not named, but come along.</summary>
    public IReadOnlyList<CarriedPart> Carried { get; }

    /// <summary>What there is to say about its text.</summary>
    public Checked<PolicyModel> Checked => _checked;

    /// <summary>The plan for parts of the draft; refused, with every problem, if they are not changed or do not stand by themselves.</summary>
    /// <param name="snapshot">With the draft, and the newest revision, to which the changes are made.</param>
    /// <param name="only">Which, as <see cref="PolicyPart"/> is written; null or none for the whole draft.</param>
    public static Outcome<DraftPlan> Of(LiveSnapshot snapshot, IReadOnlyList<string?>? only)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var draft = snapshot.DraftPolicy;
        if (only is { Count: > MostParts })
        {
            return Problems.Invalid([Diagnostic.Error("too-many-parts", "only", $"At most {MostParts} changes can be named. Name kinds as a whole, or all of the draft.")]);
        }

        if (only is null or [])
        {
            return draft.Model.Ok ? new DraftPlan(snapshot, draft.Document, draft.Model, [], true) : Problems.Invalid(draft.Model.Diagnostics);
        }

        var subset = PolicySubset.Of(snapshot.Provisioned.Document, draft.Document, [.. only.Select(text => PolicyPart.Parse(text?.Trim() ?? ""))], "only");
        if (subset.Problems.Count > 0)
        {
            return Problems.Invalid(subset.Problems);
        }

        var parsed = PolicyParser.Parse(subset.Document, snapshot.LabelKeys);
        return parsed.Ok
            ? new DraftPlan(snapshot, subset.Document, parsed, subset.Carried, false)
            : Problems.Invalid(parsed.Diagnostics) with
            {
                Code = "not-by-itself",
                Title = "These changes do not stand without others of the draft; nothing was changed.",
                Detail = "Name also the changes that the problems speak of, or provision the whole draft.",
            };
    }

    /// <summary>The plan for a policy as it was asked for once, whatever the draft says now; refused, with every problem, if it is none any more.</summary>
    public static Outcome<DraftPlan> Of(LiveSnapshot snapshot, PolicyDocument document)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var parsed = PolicyParser.Parse(document, snapshot.LabelKeys);
        return parsed.Ok ? new DraftPlan(snapshot, document, parsed, [], false) : Problems.Invalid(parsed.Diagnostics);
    }

    /// <summary>Compiled for the snapshot's workloads.</summary>
    public CompiledPolicy Compile() => _whole ? _snapshot.Draft : _snapshot.Enforced.Advance(Model, _snapshot.Workloads, _snapshot.Settings).After;

    /// <summary>Notes that it was only a part that became a revision, and which.</summary>
    public void Audit(Edit edit, long revision)
    {
        ArgumentNullException.ThrowIfNull(edit);
        var left = PolicyDiff.Diff(Document, _snapshot.DraftPolicy.Document);
        if (left.Count > 0)
        {
            var along = Carried.Count == 0 ? "" : $" {string.Join(", ", Carried.Select(carried => carried.Part))} came along.";
            edit.Audit("policy.provision-part", $"revision {revision}", $"It has a part of the draft.{along} These changes stay in the draft: {string.Join(", ", left.Select(change => new PolicyPart(change.Kind, change.Name)))}.");
        }
    }
}
