using System.Net;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Channel;

/// <summary>The controller refused a request, or answered with something that is no answer.</summary>
/// <param name="status">The HTTP status; null if the answer itself was wrong.</param>
/// <param name="failure">What was refused and what to do.</param>
/// <param name="retryAfter">How long the controller asks to wait, or null.</param>
internal sealed class ChannelException(HttpStatusCode? status, Failure failure, TimeSpan? retryAfter = null)
    : Exception($"{failure.Message} {failure.Remedy}".TrimEnd())
{
    /// <summary>The HTTP status; null if the answer itself was wrong.</summary>
    public HttpStatusCode? Status { get; } = status;

    /// <summary>What was refused and what to do.</summary>
    public Failure Failure { get; } = failure;

    /// <summary>How long the controller asks to wait, or null.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>Whether sending the same again cannot help.</summary>
    public bool IsFinal => Status is HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge;

    /// <summary>Whether the controller does not accept this agent, so that trying again soon is no use.</summary>
    public bool IsRejection => Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.Conflict;

    /// <summary>What came does not follow the channel's contract.</summary>
    public static ChannelException Malformed(string message) =>
        new(null, new Failure { Code = "malformed-answer", Message = message, Remedy = "Check that controller and agent are of matching versions." });
}
