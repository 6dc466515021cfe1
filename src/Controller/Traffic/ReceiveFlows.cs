using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Policies.Trials;
using Bulkhead.Controller.Storage;
using Bulkhead.Controller.Storage.Flows;

namespace Bulkhead.Controller.Traffic;

/// <summary><c>POST /agent/v1/flows</c>: stores a batch, and answers once it is durable.</summary>
public sealed class ReceiveFlows(FlowStore store, FlowStoreOptions options, LiveState live, BlockWatch watch, TimeProvider time)
{
    private const string RetrySoon = "1";
    private const string RetryLater = "5";

    /// <summary>Takes one batch.</summary>
    public async Task<IResult> ReceiveAsync(HttpContext context)
    {
        var received = time.GetUtcNow();
        var agent = context.Agent();
        var message = await context.Request.ReadAsync(FlowBatch.Parser, FlowBatchReader.MaxBytes).ConfigureAwait(false);
        if (message is null)
        {
            return AgentAnswer.Malformed("The flow batch is malformed or truncated.");
        }

        var snapshot = live.Current;
        if (agent.BindingIn(snapshot) is null || snapshot.Workloads.Find(agent.Workload) is not { } workload)
        {
            return AgentAuthentication.Revoked();
        }

        if (FlowBatchReader.Read(message, workload, received, received - options.Retention, out var fault) is not { } batch)
        {
            return AgentAnswer.Malformed($"The flow batch is malformed: {fault}.");
        }

        await watch.SeenAsync(batch, context.RequestAborted).ConfigureAwait(false);
        if (store.TrySubmit(batch) is not { } durable)
        {
            return Later(context, RetrySoon, "busy", "More flows arrive than can be stored.");
        }

        try
        {
            await durable.WaitAsync(context.RequestAborted).ConfigureAwait(false);
        }
        catch (FlowStoreException)
        {
            return Later(context, RetryLater, "storage-failed", "The flows could not be stored.");
        }

        return AgentAnswer.Of(new FlowAck { SpoolEpoch = message.SpoolEpoch, Sequence = message.Sequence });
    }

    private static AgentAnswer Later(HttpContext context, string seconds, string code, string message)
    {
        context.Response.Headers.RetryAfter = seconds;
        return AgentAnswer.Refuse(StatusCodes.Status503ServiceUnavailable, code, message, "Send the same batch again.");
    }
}
