using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;

namespace Bulkhead.Controller.Policies;

/// <summary>Compiles anew when a rule expires, so that hosts stop applying it.</summary>
public sealed class RuleExpiry(LiveState live, Ledger ledger, TimeProvider time, ILogger<RuleExpiry> logger) : BackgroundService
{
    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => SnapshotAlarm.RunAsync(
        live, time, logger, "rule expiry", snapshot => RulesOf(snapshot).Min(rule => rule.Expires > snapshot.At ? rule.Expires : null), ExpireAsync, stoppingToken);

    private static IEnumerable<Policy.Rules.Rule> RulesOf(LiveSnapshot snapshot) => new[] { snapshot.Provisioned.Model, snapshot.DraftPolicy.Model.Value }
        .OfType<Policy.Rules.PolicyModel>()
        .SelectMany(model => model.Rulesets).SelectMany(ruleset => ruleset.Rules);

    private Task ExpireAsync(CancellationToken cancellation) => ledger.WriteAsync<bool>(Ledger.System, (edit, _) =>
    {
        bool Expired(Policy.Rules.Rule rule) => rule.Expires > edit.Before.At && rule.Expires <= edit.Now;
        if (!RulesOf(edit.Before).Any(Expired))
        {
            // Another controller was first.
            return Task.FromResult(Outcomes.Tried(false));
        }

        var expired = edit.Before.Provisioned.Model.Rulesets.SelectMany(set => set.Rules).Where(Expired).ToList();
        foreach (var rule in expired)
        {
            edit.Audit("policy.expire", $"rule {rule.Id}", $"The rule expired at {rule.Expires:u}; hosts no longer apply it.");
        }

        edit.Touch(ChangeKind.Expiry);
        return Task.FromResult<Outcome<bool>>(true);
    }, cancellation);
}
