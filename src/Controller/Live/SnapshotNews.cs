using Bulkhead.Controller.Storage;

namespace Bulkhead.Controller.Live;

/// <summary>Tells watchers what committed changes were about.</summary>
public static class SnapshotNews
{
    /// <summary>Connects the feed to the live state.</summary>
    public static void Follow(LiveState live, LiveFeed feed) => live.Changed += (before, now) =>
    {
        var kinds = LiveKinds.None;
        kinds |= ReferenceEquals(before.Entries, now.Entries) && ReferenceEquals(before.DeclaredKeys, now.DeclaredKeys) ? LiveKinds.None : LiveKinds.Workloads;
        kinds |= before.DraftPolicy.Version == now.DraftPolicy.Version ? LiveKinds.None : LiveKinds.Draft;
        kinds |= before.Provisioned.Number == now.Provisioned.Number ? LiveKinds.None : LiveKinds.Revision | LiveKinds.Workloads;
        kinds |= before.Provisioned.Trial == now.Provisioned.Trial ? LiveKinds.None : LiveKinds.Revision;
        kinds |= ReferenceEquals(before.Enforced, now.Enforced) ? LiveKinds.None : LiveKinds.Rollout;
        feed.Publish(kinds);
    };
}
