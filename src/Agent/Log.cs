using Bulkhead.Policy.Rules;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent;

/// <summary>Everything that the agent logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "bulkhead-agent {Version} starts as workload {Workload}, controller {Controller}")]
    public static partial void Starting(this ILogger log, string version, string workload, string controller);

    [LoggerMessage(2, LogLevel.Information, "stopping; the rules stay in the kernel")]
    public static partial void Stopping(this ILogger log);

    [LoggerMessage(10, LogLevel.Information, "connected to {Controller}")]
    public static partial void Connected(this ILogger log, string controller);

    [LoggerMessage(11, LogLevel.Warning, "no connection to the controller: {Reason}; next try in {Seconds:0.0} s; the last policy stays enforced")]
    public static partial void Disconnected(this ILogger log, string reason, double seconds);

    [LoggerMessage(12, LogLevel.Information, "certificate renewed; valid until {Until:u}")]
    public static partial void CertificateRenewed(this ILogger log, DateTimeOffset until);

    [LoggerMessage(13, LogLevel.Warning, "certificate not renewed: {Reason}")]
    public static partial void RenewalFailed(this ILogger log, string reason);

    [LoggerMessage(14, LogLevel.Warning, "state not reported: {Reason}")]
    public static partial void ReportFailed(this ILogger log, string reason);

    [LoggerMessage(15, LogLevel.Warning, "flows not delivered, {Batches} batches wait: {Reason}")]
    public static partial void DeliveryFailed(this ILogger log, int batches, string reason);

    [LoggerMessage(16, LogLevel.Error, "the controller refuses flow batch {Sequence} for good, it is dropped: {Reason}")]
    public static partial void BatchRefused(this ILogger log, ulong sequence, string reason);

    [LoggerMessage(20, LogLevel.Information, "policy {Generation} applied in {Milliseconds:0.0} ms with {Steps} changes: inbound {Inbound}, outbound {Outbound}")]
    public static partial void PolicyApplied(this ILogger log, string generation, double milliseconds, EnforcementMode inbound, EnforcementMode outbound, int steps);

    [LoggerMessage(21, LogLevel.Error, "{Reason}")]
    public static partial void PolicyRefused(this ILogger log, string reason);

    [LoggerMessage(22, LogLevel.Error, "policy {Generation} not applied, it is tried again: {Reason}")]
    public static partial void ApplyFailed(this ILogger log, string generation, string reason);

    [LoggerMessage(23, LogLevel.Error, "no whole copy of the last policy: only essential and fail-safe connections pass in the enforced directions until the controller sends it again")]
    public static partial void FailSafe(this ILogger log);

    [LoggerMessage(56, LogLevel.Warning, "no whole copy of the last policy, which enforced nothing: what the kernel has stays until the controller sends it again")]
    public static partial void CacheDamaged(this ILogger log);

    [LoggerMessage(24, LogLevel.Error, "table inet bulkhead was changed by {By}; it is put back: {What}")]
    public static partial void Tampered(this ILogger log, string by, string what);

    [LoggerMessage(55, LogLevel.Error, "the programs that stamp sockets were changed by an unknown process; they are put back: {What}")]
    public static partial void ProgramsTampered(this ILogger log, string what);

    [LoggerMessage(54, LogLevel.Warning, "a change of the policy does not fit the one that is held; a whole one is asked for")]
    public static partial void DeltaMisfit(this ILogger log);

    [LoggerMessage(53, LogLevel.Warning, "table inet bulkhead was changed by {By}, and is as it was again")]
    public static partial void TamperingUndone(this ILogger log, string by);

    [LoggerMessage(25, LogLevel.Information, "live connections: {Destroyed} sockets ended, {Forgotten} conntrack entries removed, {Admitted} admitted")]
    public static partial void LiveConnections(this ILogger log, int destroyed, int forgotten, int admitted);

    [LoggerMessage(26, LogLevel.Error, "the policy cannot be kept on disk: {Reason}")]
    public static partial void PolicyNotKept(this ILogger log, string reason);

    [LoggerMessage(27, LogLevel.Error, "{Reason}")]
    public static partial void ChannelCut(this ILogger log, string reason);

    [LoggerMessage(28, LogLevel.Critical, "table inet bulkhead is removed. {Reason}")]
    public static partial void Opened(this ILogger log, string reason);

    [LoggerMessage(29, LogLevel.Information, "the controller was reached under policy {Generation}")]
    public static partial void PolicyProven(this ILogger log, string generation);

    [LoggerMessage(30, LogLevel.Warning, "{Events} kernel events were lost; connections were read again. Of {Unseen} nothing is known, of {Ended} not all traffic")]
    public static partial void EventsLost(this ILogger log, ulong events, ulong unseen, ulong ended);

    [LoggerMessage(45, LogLevel.Warning, "processes are named by looking up sockets, which short-lived ones do not wait for: {Reason}")]
    public static partial void NamesByLookup(this ILogger log, string reason);

    [LoggerMessage(31, LogLevel.Error, "telemetry is not available: {Reason}; next try in {Seconds:0.0} s")]
    public static partial void TelemetryFailed(this ILogger log, string reason, double seconds);

    [LoggerMessage(32, LogLevel.Warning, "the spool is full; the oldest flow batch was dropped ({Dropped} so far)")]
    public static partial void SpoolOverflow(this ILogger log, ulong dropped);

    [LoggerMessage(33, LogLevel.Warning, "a damaged spool file was removed: {File}")]
    public static partial void SpoolDamaged(this ILogger log, string file);

    [LoggerMessage(34, LogLevel.Error, "flows cannot be kept on disk, a window is lost: {Reason}")]
    public static partial void SpoolFailed(this ILogger log, string reason);

    [LoggerMessage(35, LogLevel.Error, "conntrack is {Percent} % full: {Count} of {Most} connections")]
    public static partial void ConntrackFilling(this ILogger log, long percent, long count, long most);

    [LoggerMessage(36, LogLevel.Critical, "the kernel has no rules of the policy: {State}")]
    public static partial void Shut(this ILogger log, string state);

    [LoggerMessage(37, LogLevel.Warning, "rules for executables and users cannot be enforced here: {Reason}")]
    public static partial void SocketsNotStamped(this ILogger log, string reason);

    [LoggerMessage(41, LogLevel.Warning, "'bulkhead-agent flows' cannot be served at {Path}: {Reason}")]
    public static partial void FlowsNotFollowable(this ILogger log, string path, string reason);

    [LoggerMessage(40, LogLevel.Warning, "the status file cannot be written: {Reason}")]
    public static partial void StatusNotWritten(this ILogger log, string reason);
}
