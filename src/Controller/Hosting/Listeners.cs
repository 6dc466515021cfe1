using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Controller.Authority;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Bulkhead.Controller.Hosting;

/// <summary>Marks connections that came in where agents connect.</summary>
public sealed class AgentListener;

/// <summary>
/// The two kinds of listeners, both TLS 1.3 with the controller's own certificate: one for the console and REST, and one for agents, which asks for
/// a client certificate. Neither answers the other's requests.
/// </summary>
public static class Listeners
{
    private static readonly AgentListener s_agentListener = new();

    /// <summary>Configures Kestrel.</summary>
    public static void Configure(KestrelServerOptions kestrel, ControllerOptions options)
    {
        var certificate = kestrel.ApplicationServices.GetRequiredService<ServerCertificate>();
        var authority = kestrel.ApplicationServices.GetRequiredService<CertificateAuthority>();
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = 4 * 1024 * 1024;
        kestrel.Limits.Http2.MaxStreamsPerConnection = 100;
        // A dead peer is noticed within 15 s, so that a host that comes back is not taken for a clone of itself.
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(10);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(5);
        kestrel.Listen(options.Listen, listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(Tls(certificate, authority, agents: false));
        });
        foreach (var endpoint in options.AgentListen)
        {
            kestrel.Listen(endpoint, listen =>
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.UseHttps(Tls(certificate, authority, agents: true));
                listen.Use(next => connection =>
                {
                    connection.Features.Set(s_agentListener);
                    return next(connection);
                });
            });
        }
    }

    /// <summary>Lets through only what belongs to the listener that a request came in on.</summary>
    public static Task Separate(HttpContext context, RequestDelegate next)
    {
        var forAgents = context.Features.Get<AgentListener>() is not null;
        var path = context.Request.Path;
        var ofAgents = path.StartsWithSegments("/agent", StringComparison.Ordinal);
        if (forAgents != ofAgents && path != "/healthz")
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }

        return next(context);
    }

    private static TlsHandshakeCallbackOptions Tls(ServerCertificate certificate, CertificateAuthority authority, bool agents)
    {
        RemoteCertificateValidationCallback accepted = (_, client, _, _) => client is null || (client is X509Certificate2 known && authority.Issued(known));
        return new()
        {
            HandshakeTimeout = TimeSpan.FromSeconds(10),
            OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = certificate.Current,
                EnabledSslProtocols = SslProtocols.Tls13,
                ClientCertificateRequired = agents,
                RemoteCertificateValidationCallback = agents ? accepted : null,
                AllowTlsResume = false,
                ApplicationProtocols = agents ? [SslApplicationProtocol.Http2] : [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
            }),
        };
    }
}
