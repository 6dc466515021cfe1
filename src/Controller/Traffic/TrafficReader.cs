using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Flows;
using Bulkhead.Policy.Compile;

namespace Bulkhead.Controller.Traffic;

/// <summary>Makes pictures of traffic as it is judged now.</summary>
public sealed class TrafficReader(FlowStore store, LiveState live, VerdictCache verdicts)
{
    /// <summary>The traffic of a window, under a snapshot's policies.</summary>
    public TrafficPicture Read(TrafficWindow window, LiveSnapshot snapshot) => Read(window, snapshot, () => snapshot.Draft);

    /// <summary>The same with another policy in the draft's place.</summary>
    public TrafficPicture Read(TrafficWindow window, LiveSnapshot snapshot, Func<CompiledPolicy> draft) =>
        new(store.Sample(window.Since, window.Until), snapshot.Enforced, draft, verdicts);

    /// <summary>No traffic, under a snapshot's policies: to judge single connections.</summary>
    public TrafficPicture Judge(LiveSnapshot snapshot) => new(TrafficSample.Nothing, snapshot.Enforced, () => snapshot.Draft, verdicts);

    /// <summary>The current snapshot.</summary>
    public LiveSnapshot Current => live.Current;
}
