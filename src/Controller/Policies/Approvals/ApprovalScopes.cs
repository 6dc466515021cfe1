using System.Text.Json;
using Bulkhead.Controller.Access;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Bulkhead.Policy.Documents;
using Bulkhead.Policy.Labels;
using Bulkhead.Policy.Rules;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Policies.Approvals;

/// <summary>
/// The workloads whose policy only two people together may change. What may matter to any workload (services, networks, label groups, the fail-safe
/// list, plans, assertions) takes them as soon as there is a scope at all.
/// </summary>
public sealed class ApprovalScopes
{
    private readonly IReadOnlyList<Selector> _scopes;

    private ApprovalScopes(IReadOnlyList<Selector> scopes) => _scopes = scopes;

    /// <summary>As written.</summary>
    public static async Task<IReadOnlyList<string>> WrittenAsync(ControllerDb database, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(database);
        var row = await database.Settings.AsNoTracking().SingleOrDefaultAsync(s => s.Name == SettingRow.ApprovalScopes, cancellation).ConfigureAwait(false);
        return row is null ? [] : JsonSerializer.Deserialize<List<string>>(row.Value)!;
    }

    /// <summary>As they are set; one that cannot be read any more stands for all workloads.</summary>
    public static async Task<ApprovalScopes> ReadAsync(ControllerDb database, IReadOnlySet<string> labelKeys, CancellationToken cancellation) =>
        new([.. (await WrittenAsync(database, cancellation).ConfigureAwait(false)).Select(scope => Reach.Parse(scope, labelKeys, []) ?? Selector.All)]);

    /// <summary>The changes between two policies that take two people, by name.</summary>
    public IReadOnlyList<string> Concerned(PolicyDocument before, PolicyModel parsedBefore, PolicyDocument after, PolicyModel parsedAfter) => _scopes.Count == 0
        ? []
        : [.. PolicyDiff.Diff(before, after).SelectMany(change => Concerned(change, parsedBefore, parsedAfter))];

    private IEnumerable<string> Concerned(ObjectChange change, PolicyModel before, PolicyModel after) => change.Kind switch
    {
        "ruleset" => before.Rulesets.Concat(after.Rulesets).Where(ruleset => ruleset.Name == change.Name).Any(MayMatter) ? [$"ruleset {change.Name}"] : [],
        "modes" => before.Modes.Except(after.Modes).Concat(after.Modes.Except(before.Modes)).Select(mode => mode.Selector).Distinct().Where(MayMatter).Select(selector => $"the mode of {selector}"),
        var kind => [change.Name.Length == 0 ? kind : $"{kind} {change.Name}"],
    };

    /// <summary>
    /// Whether a workload of a scope could be an end of one of its rules: within its scopes, or, extra-scope, beyond them, or by its address, since
    /// whose an address is may change.
    /// </summary>
    private bool MayMatter(Ruleset ruleset) =>
        ruleset.Scopes.Any(scope => MayMatter(scope.Selector))
        || ruleset.Rules.Any(rule => rule.From is RuleEnd.Addresses || rule.To is RuleEnd.Addresses)
        || ruleset.Rules.Select(rule => rule.Within switch { Within.From => rule.To, Within.To => rule.From, _ => null }).OfType<RuleEnd.Workloads>().Any(end => MayMatter(end.Selector));

    private bool MayMatter(Selector selector) => _scopes.Any(scope => scope.And(selector).CanMatch);
}
