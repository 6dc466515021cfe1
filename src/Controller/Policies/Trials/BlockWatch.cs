using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy.Evaluate;
using Bulkhead.Policy.Rules;

namespace Bulkhead.Controller.Policies.Trials;

/// <summary>
/// Looks, while a revision is in force that an unexpected block takes back, at what agents report as blocked. It does so before the report is
/// stored, let alone acknowledged: it matters also where nothing more can be stored, and whatever stops the controller in between, the agent sends it again.
/// </summary>
public sealed class BlockWatch(LiveState live, Reversal reversal)
{
    private readonly Lock _gate = new();
    private Judges? _judges;

    /// <summary>Looks at what one agent saw. Blocked connections are unexpected if the policy before would surely have let them pass, and the one in force does not.</summary>
    public async Task SeenAsync(SightingBatch batch, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var snapshot = live.Current;
        if (snapshot.Provisioned is { Trial: { OnBlock: true, Problem: null, ModelBefore: not null } trial } enforced && Unexpected(batch, snapshot, trial) is { } blocked)
        {
            await reversal.RevertAsync(enforced.Number, Sentence(batch, blocked, snapshot), (now, _) => now.OnBlock, cancellation).ConfigureAwait(false);
        }
    }

    private Sighting? Unexpected(SightingBatch batch, LiveSnapshot snapshot, Trial trial)
    {
        var since = trial.Since.ToUnixTimeMilliseconds();
        foreach (var seen in batch.Sightings.Where(seen => seen.Blocked && seen.First >= since && Counts(seen)))
        {
            var facts = seen.Process is { } process ? SocketFacts.Of(process.Path, process.Unit.Length == 0 ? null : process.Unit, groups: null) : SocketFacts.Unrecorded;
            var connection = new Connection(
                batch.Space, seen.Source, seen.Destination, seen.Protocol, seen.Port,
                seen.Side == FlowSide.Source ? facts : SocketFacts.Unrecorded, seen.Side == FlowSide.Destination ? facts : SocketFacts.Unrecorded);
            var judges = JudgesOf(snapshot, trial);
            if (!Passes(judges.Now.Judge(connection)) && Passes(judges.Before.Judge(connection)))
            {
                return seen;
            }
        }

        return null;
    }

    /// <summary>
    /// Quarantine and stray packets have nothing to do with what was provisioned, nor has somebody who tries ports. One who tries from the host itself
    /// counts: what polls many others, and is blocked at all of them, looks like a scan.
    /// </summary>
    private static bool Counts(Sighting seen) =>
        seen.DecidedBy is not (BlockedBy.Quarantine or BlockedBy.Invalid) && !(seen.OfScan && seen.Side == FlowSide.Destination);

    private static bool Passes(Verdict verdict) => verdict.Kind is VerdictKind.Allowed or VerdictKind.PotentiallyBlocked;

    private Judges JudgesOf(LiveSnapshot snapshot, Trial trial)
    {
        lock (_gate)
        {
            return _judges is { } held && ReferenceEquals(held.Now.Compiled, snapshot.Enforced) && ReferenceEquals(held.Of, trial.ModelBefore)
                ? held
                : _judges = new(trial.ModelBefore!, new(snapshot.Enforced), new(snapshot.Enforced.Advance(trial.ModelBefore!, snapshot.Workloads, snapshot.Settings).After));
        }
    }

    private static string Sentence(SightingBatch batch, Sighting blocked, LiveSnapshot snapshot)
    {
        string Name(Policy.Addresses.IpAddress address) => snapshot.Workloads.Holder(new(batch.Space, address))?.Name ?? address.ToString();
        var host = snapshot.Workloads.Find(new(batch.Agent))?.Name ?? batch.Agent.ToString();
        return $"{host} blocked {Name(blocked.Source)} to {Name(blocked.Destination)} on {Traffic.TrafficPicture.PortText(blocked.Protocol, blocked.Port)}, which the policy before it would have let pass.";
    }

    private sealed record Judges(PolicyModel Of, PolicyEvaluator Now, PolicyEvaluator Before);
}
