namespace Bulkhead.Controller;

/// <summary>Every message that the controller logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Console and REST on {Url}; agents on {AgentUrl}; CA SHA-256 {Sha256}")]
    public static partial void Listening(ILogger logger, string url, string agentUrl, string sha256);

    [LoggerMessage(2, LogLevel.Information, "Revision {Revision}, generation {Generation}, {Workloads} workloads loaded")]
    public static partial void Loaded(ILogger logger, long revision, string generation, int workloads);

    [LoggerMessage(3, LogLevel.Error, "{Method} {Path} failed")]
    public static partial void RequestFailed(ILogger logger, Exception problem, string method, string path);

    [LoggerMessage(10, LogLevel.Information, "{Workload} paired from {Address} as {Id}")]
    public static partial void Paired(ILogger logger, string workload, string address, Guid id);

    [LoggerMessage(11, LogLevel.Warning, "A pairing from {Address} was refused: {Code}")]
    public static partial void PairingRefused(ILogger logger, string address, string code);

    [LoggerMessage(12, LogLevel.Information, "{Workload} connected from {Address}")]
    public static partial void AgentConnected(ILogger logger, string workload, string address);

    [LoggerMessage(13, LogLevel.Information, "{Workload} disconnected")]
    public static partial void AgentDisconnected(ILogger logger, string workload);

    [LoggerMessage(14, LogLevel.Warning, "A second live holder of the identity of {Workload} was refused at {Address}; the first is at {Holder}")]
    public static partial void CloneRefused(ILogger logger, string workload, string address, string holder);

    [LoggerMessage(15, LogLevel.Error, "{Workload} enforces generation {Applied}, but this controller has only given out {Newest}: its database was restored. Run 'bulkhead-controller new-epoch'")]
    public static partial void GenerationAhead(ILogger logger, string workload, string applied, string newest);

    [LoggerMessage(16, LogLevel.Error, "Background work '{Work}' failed; it will be tried again")]
    public static partial void BackgroundFailed(ILogger logger, Exception problem, string work);

    [LoggerMessage(17, LogLevel.Critical, "{Follower} failed to follow a committed change; restart the controller if what it shows stays behind")]
    public static partial void FollowerFailed(ILogger logger, Exception problem, string follower);

    [LoggerMessage(18, LogLevel.Error, "{Method} {Path}: the database failed: {Reason}")]
    public static partial void StoreFailed(ILogger logger, string method, string path, string reason);

    [LoggerMessage(19, LogLevel.Error, "Revision {Revision} was to be reverted and could not be; it is tried on: {Reason}")]
    public static partial void NotReverted(ILogger logger, long revision, string reason);

    [LoggerMessage(20, LogLevel.Error, "{Batches} flow batches could not be stored and will be sent again: {Reason}")]
    public static partial void FlowsNotStored(ILogger logger, int batches, string reason);

    [LoggerMessage(21, LogLevel.Error, "The flow store's checkpoint failed and will be repeated: {Reason}")]
    public static partial void CheckpointFailed(ILogger logger, string reason);
}
