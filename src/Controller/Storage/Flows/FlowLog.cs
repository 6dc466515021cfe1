namespace Bulkhead.Controller.Storage.Flows;

/// <summary>What the flow store logs.</summary>
internal static partial class FlowLog
{
    [LoggerMessage(400, LogLevel.Error, "{Batches} flow batches could not be stored and will be sent again: {Reason}")]
    public static partial void FlowsNotStored(ILogger log, int batches, string reason);

    [LoggerMessage(401, LogLevel.Error, "The flow store's checkpoint failed and will be repeated: {Reason}")]
    public static partial void CheckpointFailed(ILogger log, string reason);
}
