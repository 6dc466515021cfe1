using System.IO.Pipelines;
using System.Net;
using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Live;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy;
using Google.Protobuf;

namespace Bulkhead.Controller.Agents;

/// <summary><c>GET /agent/v1/policy</c>: a stream of length-delimited <see cref="ServerMessage"/>: the host's policy now, and each one that differs.</summary>
public sealed class PolicyStream(
    AgentDirectory directory, PolicyTargets targets, CertificateAuthority authority, Ledger ledger, LiveFeed feed, WatchList watched, TimeProvider time, ILogger<PolicyStream> logger)
{
    private const uint WatchSeconds = 40;
    private static readonly TimeSpan s_ping = TimeSpan.FromSeconds(15);
    private volatile EpochProof? _proof;

    /// <summary>Serves one agent until either side ends it.</summary>
    public async Task<IResult> ServeAsync(HttpContext context)
    {
        var agent = context.Agent();
        var remote = context.Connection.RemoteIpAddress ?? IPAddress.None;
        using var session = directory.Connect(agent.Workload, remote);
        if (session is null)
        {
            await ReportCloneAsync(directory, ledger, logger, agent, remote, context.RequestAborted).ConfigureAwait(false);
            return Clone(agent);
        }

        Log.AgentConnected(logger, agent.Name, remote.ToString());
        feed.Publish(LiveKinds.Workloads);
        // The stream does not outlive the certificate that opened it.
        using var expiry = new CancellationTokenSource(Bounded(agent.Expires - time.GetUtcNow()), time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, session.Ended, expiry.Token);
        try
        {
            context.Response.ContentType = AgentAnswer.MediaType;
            await context.Response.StartAsync(ended.Token).ConfigureAwait(false);
            await SendAsync(context.Response, session, context.Request.Query["deltas"] == "1", context.Request.Query["watch"] == "1", ended.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
        }
        finally
        {
            if (session.Close())
            {
                directory.Seen(agent.Workload, time.GetUtcNow());
                Log.AgentDisconnected(logger, agent.Name);
                feed.Publish(LiveKinds.Workloads | LiveKinds.Rollout);
            }
        }

        return Results.Empty;
    }

    /// <summary>The refusal of a second live holder of an identity.</summary>
    internal static AgentAnswer Clone(AgentIdentity agent) => AgentAnswer.Refuse(
        StatusCodes.Status409Conflict, "clone", $"Another live host has the identity of {agent.Name}; this one was refused and reported.",
        "If this host is a copy: give it a machine-id of its own, remove its state folder and pair it.");

    /// <summary>Tells operators of a second live holder.</summary>
    internal static async Task ReportCloneAsync(
        AgentDirectory directory, Ledger ledger, ILogger logger, AgentIdentity agent, IPAddress remote, CancellationToken cancellation)
    {
        var holder = directory.Remote(agent.Workload)?.ToString() ?? "an earlier host";
        Log.CloneRefused(logger, agent.Name, remote.ToString(), holder);
        var fresh = directory.Flag(agent.Workload, Diagnostic.Error("clone", "identity", $"A second live host at {remote} has this workload's identity and was refused; the first is at {holder}."));
        if (fresh)
        {
            await ledger.WriteAsync<bool>($"agent:{agent.Name}", (edit, _) =>
            {
                edit.Audit("agent.clone-refused", agent.Name, $"A second live host at {remote} with the identity of {agent.Name} ({holder}) was refused.");
                return Task.FromResult<Outcome<bool>>(true);
            }, cancellation).ConfigureAwait(false);
        }
    }

    private async Task SendAsync(HttpResponse response, AgentSession session, bool deltas, bool watches, CancellationToken cancellation)
    {
        Policy.Compile.HostPolicy? sent = null;
        Policy.Compile.HostPolicy? held = null;
        var (silent, watching) = (false, false);
        while (true)
        {
            if (targets.Newest(session.Workload) is { } newest && !ReferenceEquals(newest.Target, held))
            {
                var next = sent is null ? newest.AsOfNow : newest.Target;
                Write(response.BodyWriter, deltas && sent is not null && HostPolicyEncoder.Encode(sent, next) is { } delta
                    ? new() { Delta = delta }
                    : new() { Policy = HostPolicyEncoder.Encode(next, ProofOf(next.Generation.Epoch)) });
                (sent, held) = (next, newest.Target);
            }
            else if (silent)
            {
                Write(response.BodyWriter, new() { Ping = new() { ServerUnixMs = time.GetUtcNow().ToUnixTimeMilliseconds() } });
            }

            if (watches && (watched.IsWatched(session.Workload), watching) is not (false, false) and var (now, _))
            {
                // Said again each time, since it lasts for a while only.
                watching = now;
                Write(response.BodyWriter, new() { Watch = new() { Seconds = now ? WatchSeconds : 0 } });
            }

            await response.BodyWriter.FlushAsync(cancellation).ConfigureAwait(false);
            silent = !await session.WaitAsync(s_ping, cancellation).ConfigureAwait(false);
        }
    }

    private static void Write(PipeWriter writer, ServerMessage message)
    {
        var size = message.CalculateSize();
        var length = CodedOutputStream.ComputeUInt32Size((uint)size);
        var prefix = writer.GetSpan(length);
        for (var (i, rest) = (0, (uint)size); i < length; i++, rest >>= 7)
        {
            prefix[i] = (byte)(rest < 0x80 ? rest : rest | 0x80);
        }

        writer.Advance(length);
        message.WriteTo(writer);
    }

    private EpochProof ProofOf(ulong epoch)
    {
        if (_proof is { } proof && proof.Epoch == epoch)
        {
            return proof;
        }

        return _proof = authority.Prove(epoch);
    }

    private static TimeSpan Bounded(TimeSpan span) => span < TimeSpan.Zero ? TimeSpan.Zero : span > TimeSpan.FromDays(30) ? TimeSpan.FromDays(30) : span;
}
