using System.Security.Authentication;

namespace Bulkhead.Agent.Channel;

/// <summary>Which exceptions mean that the controller is away or refuses, and what to say of them.</summary>
internal static class ChannelFaults
{
    /// <summary>Whether it is a failure of the channel, rather than a bug. A connection replaced under a request counts as one.</summary>
    public static bool IsExpected(Exception fault) =>
        fault is ChannelException or HttpRequestException or IOException or AuthenticationException or ObjectDisposedException or OperationCanceledException;

    /// <summary>What happened, as a phrase, with the innermost cause.</summary>
    public static string Describe(Exception fault)
    {
        var inner = fault.GetBaseException();
        return fault is ChannelException || fault.Message.Contains(inner.Message, StringComparison.Ordinal) ? fault.Message : $"{fault.Message} {inner.Message}";
    }

    /// <summary>How long to wait at least, or null.</summary>
    public static TimeSpan? Wait(Exception fault) =>
        fault is ChannelException refused ? refused.RetryAfter ?? (refused.IsRejection ? Backoff.Longest : null) : null;
}
