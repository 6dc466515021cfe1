using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Bulkhead.Contracts.Rest;
using Bulkhead.Controller.Hosting;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy;
using Bulkhead.Policy.Assertions;
using Bulkhead.Policy.Compile;
using Bulkhead.Policy.Documents;

namespace Bulkhead.Controller.Policies;

/// <summary>Makes revisions: immutable, content-hashed, each with its parent.</summary>
public static class Revisions
{
    /// <summary>
    /// Adds a revision and compiles it for today's workloads. Errors of the compilation refuse it; so does an assertion that fails, and a warning that
    /// wants to be acknowledged and was not.
    /// </summary>
    /// <param name="edit">The transaction.</param>
    /// <param name="document">Checked.</param>
    /// <param name="note">Why.</param>
    /// <param name="restoredFrom">The revision whose content it is, or null.</param>
    /// <param name="unacknowledged">Of the compiled policy, the warnings that its author has not accepted.</param>
    /// <param name="goesBack">Whether what is wrong with the policy in force as well refuses nothing: staying in that would mend none of it.</param>
    /// <param name="cancellation">Counts until the commit begins.</param>
    public static async Task<Outcome<RevisionRow>> AddAsync(
        Edit edit,
        PolicyDocument document,
        string note,
        long? restoredFrom,
        Func<CompiledPolicy, IReadOnlyList<Diagnostic>> unacknowledged,
        bool goesBack,
        CancellationToken cancellation)
    {
        var before = edit.Before.Provisioned;
        var changes = PolicyViews.Changes(before.Document, document);
        if (changes.Count == 0)
        {
            return Problems.Conflict("nothing-to-provision", $"This is what revision {before.Number} says already; nothing was changed.");
        }

        var row = new RevisionRow
        {
            Number = before.Number + 1,
            Parent = before.Number,
            Hash = HashOf(document),
            Note = note.Trim(),
            Author = edit.Actor,
            Created = edit.Now,
            RestoredFrom = restoredFrom,
            Document = Encoding.UTF8.GetString(PolicyJson.Canonical(document)),
            Changes = JsonSerializer.Serialize(changes),
        };
        edit.Database.Revisions.Add(row);
        edit.Touch(ChangeKind.Revision, row.Number.ToString(System.Globalization.CultureInfo.InvariantCulture));
        var compiled = (await edit.PreviewAsync(cancellation).ConfigureAwait(false)).Enforced;
        var problems = ProblemsOf(compiled, goesBack ? edit.Before.Enforced : null, edit.Now);
        if (problems.Any(d => d.Severity == Severity.Error))
        {
            return Problems.Invalid(problems);
        }

        if (Acknowledgements.Refuse(unacknowledged(compiled), []) is { } refusal)
        {
            return refusal;
        }

        edit.Audit(
            restoredFrom is null ? "policy.provision" : "policy.restore",
            $"revision {row.Number}",
            $"{(restoredFrom is null ? "Provisioned" : $"Restored from revision {restoredFrom}")}: {row.Note} ({changes.Count} {(changes.Count == 1 ? "change" : "changes")}).");
        return row;
    }

    /// <param name="compiled">The policy to be.</param>
    /// <param name="but">What it has in common with this one does not count: denies that hosts cannot decide, and assertions that fail in whatever way.</param>
    /// <param name="now">When.</param>
    private static List<Diagnostic> ProblemsOf(CompiledPolicy compiled, CompiledPolicy? but, DateTimeOffset now)
    {
        var failing = but is null ? [] : AssertionChecker.Check(but.Policy, now, but.Workloads).Where(proof => proof.StopsProvisioning).Select(proof => proof.Assertion).ToHashSet();
        var proofs = AssertionChecker.Check(compiled.Policy, now, compiled.Workloads).Where(proof => !failing.Contains(proof.Assertion));
        return [.. compiled.Diagnostics.Except(but?.Diagnostics ?? []), .. proofs.Select(proof => proof.ToDiagnostic()).OfType<Diagnostic>()];
    }

    /// <summary>What tells the content of a revision from any other: SHA-256 of its canonical form, hex.</summary>
    public static string HashOf(PolicyDocument document) => Convert.ToHexStringLower(SHA256.HashData(PolicyJson.Canonical(document)));

    /// <summary>As REST shows it.</summary>
    public static RevisionView ToView(RevisionRow row, RolloutView? rollout, TrialRow? trial) => new(
        row.Number, row.Parent, row.Hash, row.Note, row.Author, row.Created, row.RestoredFrom, JsonSerializer.Deserialize<List<PolicyChange>>(row.Changes)!, rollout, row.ApprovedBy, Trials.TrialEdits.ToView(trial));
}
