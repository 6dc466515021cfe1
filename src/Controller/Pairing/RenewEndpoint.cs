using Bulkhead.Contracts.Agent;
using Bulkhead.Controller.Agents;
using Bulkhead.Controller.Authority;
using Bulkhead.Controller.Storage;
using Google.Protobuf;

namespace Bulkhead.Controller.Pairing;

/// <summary><c>POST /agent/v1/renew</c>: a new certificate for the workload that the current one, or one that expired not long ago, belongs to.</summary>
public sealed class RenewEndpoint(CertificateAuthority authority, LiveState live, TimeProvider time)
{
    private const int MaxBytes = 64 * 1024;

    /// <summary>Renews.</summary>
    public async Task<IResult> RenewAsync(HttpContext context)
    {
        var request = await context.Request.ReadAsync(RenewRequest.Parser, MaxBytes).ConfigureAwait(false);
        var agent = context.Agent();
        // The body may have come slowly; the certificate says the pairing that was proven, whatever happens meanwhile.
        if (agent.BindingIn(live.Current) is null)
        {
            return AgentAuthentication.Revoked();
        }

        if (request is null || authority.CertifyAgent(request.SigningRequest.Span, new(agent.Workload, agent.Pairing), time.GetUtcNow()) is not { } certificate)
        {
            return AgentAnswer.Malformed("The signing request is not a PKCS #10 request for a P-256 key.");
        }

        return AgentAnswer.Of(new RenewResponse { Certificate = ByteString.CopyFrom(certificate) });
    }
}
