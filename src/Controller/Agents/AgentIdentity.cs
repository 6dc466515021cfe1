using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Storage;
using Bulkhead.Policy.Inventory;

namespace Bulkhead.Controller.Agents;

/// <summary>The agent that makes a request, as its certificate proves.</summary>
/// <param name="Workload">Its workload.</param>
/// <param name="Pairing">Which pairing of it the certificate is of.</param>
/// <param name="Name">The workload's name.</param>
/// <param name="Expires">When the certificate does.</param>
public sealed record AgentIdentity(WorkloadId Workload, long Pairing, string Name, DateTimeOffset Expires)
{
    /// <summary>What binds it to its workload; null if that pairing has ended, as it may while the body of a request still comes in.</summary>
    public AgentBinding? BindingIn(LiveSnapshot snapshot) =>
        snapshot.Entries.TryGetValue(Workload, out var entry) && entry.Agent is { } binding && binding.Pairing == Pairing ? binding : null;
}

/// <summary>Endpoints that only agents may call.</summary>
public static class AgentAuthentication
{
    private static readonly TimeSpan s_renewalGrace = TimeSpan.FromDays(30);

    /// <summary>Lets only agents with a valid certificate of their workload's newest pairing through; find them with <see cref="Agent"/>.</summary>
    public static TBuilder RequireAgent<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.Require(TimeSpan.Zero);

    /// <summary>The same, also with a certificate that expired not long ago.</summary>
    public static TBuilder RequireAgentToRenew<TBuilder>(this TBuilder endpoint)
        where TBuilder : IEndpointConventionBuilder => endpoint.Require(s_renewalGrace);

    /// <summary>The agent that makes a request to an endpoint that requires one.</summary>
    public static AgentIdentity Agent(this HttpContext context) =>
        context.Features.Get<AgentIdentity>() ?? throw new InvalidOperationException("The endpoint does not require an agent.");

    /// <summary>The refusal of a certificate whose pairing has ended.</summary>
    public static AgentAnswer Revoked() => AgentAnswer.Refuse(
        StatusCodes.Status403Forbidden, "revoked", "This pairing has ended: the workload was removed, or paired anew.",
        "Pair the host again with 'bulkhead-agent pair', or unpair it with 'bulkhead-agent unpair'.");

    private static TBuilder Require<TBuilder>(this TBuilder endpoint, TimeSpan grace)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.AddEndpointFilter(async (invocation, next) =>
        {
            var services = invocation.HttpContext.RequestServices;
            var (agent, refusal) = Check(
                invocation.HttpContext, services.GetRequiredService<CertificateAuthority>(), services.GetRequiredService<LiveState>().Current,
                services.GetRequiredService<TimeProvider>().GetUtcNow(), grace);
            if (agent is null)
            {
                return refusal;
            }

            invocation.HttpContext.Features.Set(agent);
            return await next(invocation).ConfigureAwait(false);
        });

    private static (AgentIdentity? Agent, AgentAnswer? Refusal) Check(
        HttpContext context, CertificateAuthority authority, LiveSnapshot snapshot, DateTimeOffset now, TimeSpan grace)
    {
        if (context.Connection.ClientCertificate is not { } certificate)
        {
            return (null, AgentAnswer.Refuse(401, "certificate-missing", "The request needs the agent's certificate.", "Pair the host with 'bulkhead-agent pair'."));
        }

        if (!authority.Issued(certificate) || AgentSubject.Read(certificate) is not { } subject)
        {
            return (null, AgentAnswer.Refuse(401, "certificate-unknown", "The certificate was not issued to an agent by this controller.", "Pair the host with 'bulkhead-agent pair'."));
        }

        var expires = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
        if (now > expires + grace)
        {
            return (null, AgentAnswer.Refuse(401, "certificate-expired", $"The certificate expired at {expires:u}.",
                grace == TimeSpan.Zero ? "Renew it." : $"It is too old to be renewed ({s_renewalGrace.Days} days). Pair the host again with 'bulkhead-agent pair'."));
        }

        return snapshot.Entries.TryGetValue(subject.Workload, out var entry) && entry.Agent is { } binding && binding.Pairing == subject.Pairing
            ? (new(subject.Workload, subject.Pairing, entry.Workload.Name, expires), null)
            : (null, Revoked());
    }
}
