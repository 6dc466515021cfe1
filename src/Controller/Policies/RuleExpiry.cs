using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Rows;
using Microsoft.EntityFrameworkCore;

namespace Bulkhead.Controller.Policies;

/// <summary>Compiles anew when a rule expires, so that hosts stop applying it.</summary>
public sealed class RuleExpiry(LiveState live, Ledger ledger, TimeProvider time, ILogger<RuleExpiry> logger) : BackgroundService
{
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1);
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var changed = new SemaphoreSlim(0);
        void Wake(LiveSnapshot before, LiveSnapshot now) => changed.Release();
        live.Changed += Wake;
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                using var due = new CancellationTokenSource(Until(live.Current), time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(due.Token, stoppingToken);
                try
                {
                    await changed.WaitAsync(either.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException)
                {
                    if (!stoppingToken.IsCancellationRequested)
                    {
                        await ExpireAsync(stoppingToken).ConfigureAwait(false);
                    }
                }
            }
        }
        finally
        {
            live.Changed -= Wake;
        }
    }

    private TimeSpan Until(LiveSnapshot snapshot)
    {
        var now = time.GetUtcNow();
        var next = RulesOf(snapshot).Min(rule => rule.Expires > snapshot.At ? rule.Expires : null);
        return next is not { } expiry || expiry - now > s_longest ? s_longest : expiry > now ? expiry - now : TimeSpan.Zero;
    }

    private static IEnumerable<Policy.Rules.Rule> RulesOf(LiveSnapshot snapshot) => new[] { snapshot.Provisioned.Model, snapshot.DraftPolicy.Model.Value }
        .OfType<Policy.Rules.PolicyModel>()
        .SelectMany(model => model.Rulesets).SelectMany(ruleset => ruleset.Rules);

    private async Task ExpireAsync(CancellationToken cancellation)
    {
        try
        {
            await ledger.WriteAsync<bool>(Ledger.System, (edit, _) =>
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
            }, cancellation).ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is DbUpdateException or System.Data.Common.DbException)
        {
            Log.BackgroundFailed(logger, problem, "rule expiry");
            await Task.Delay(s_retry, time, cancellation).ConfigureAwait(false);
        }
    }
}
