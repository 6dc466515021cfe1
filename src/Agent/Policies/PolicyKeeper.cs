using Microsoft.Extensions.Logging;
using Wire = Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Policies;

/// <summary>Writes to the cache, and states it as a problem while that fails.</summary>
internal sealed class PolicyKeeper(Problems problems, ILogger log)
{
    private const string Topic = "policy-cache";

    /// <summary>Writes.</summary>
    /// <param name="write">What to do.</param>
    /// <param name="isPolicy">Whether it writes the policy itself: only then is that said to be kept again.</param>
    public void Keep(Action write, bool isPolicy = true)
    {
        try
        {
            write();
            if (isPolicy)
            {
                problems.Clear(Topic);
            }
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            // Enforcing matters more than remembering: a full disk must not keep a host open.
            log.PolicyNotKept(failed.Message);
            problems.Set(Topic, new Wire.Failure
            {
                Code = "policy-not-kept",
                Message = $"The policy is enforced, but cannot be kept on disk: {failed.Message}",
                Remedy = "Make room in the agent's state folder; until then a restart enforces the policy before this one.",
            });
        }
    }
}
