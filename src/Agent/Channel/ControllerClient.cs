using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;

namespace Bulkhead.Agent.Channel;

/// <summary>
/// The agent's connection to its controller: HTTP/2 over TLS 1.3, trusting one CA. See <c>docs/agent-channel.md</c>.
/// Requests fail with <see cref="ChannelException"/> if the controller refuses them, and with <see cref="HttpRequestException"/>
/// or <see cref="IOException"/> if it cannot be reached.
/// </summary>
internal sealed class ControllerClient : IDisposable
{
    private const int LargestAnswer = 1 << 20;
    private const string Protobuf = "application/x-protobuf";

    private readonly HttpClient _http;
    private readonly X509Certificate2? _certificate;

    private ControllerClient(Uri controller, SslClientAuthenticationOptions tls, X509Certificate2? certificate, OwnConnections? own = null)
    {
        _certificate = certificate;
        var handler = new SocketsHttpHandler
        {
            SslOptions = tls,
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
        };
        if (own is not null)
        {
            handler.ConnectCallback = (context, cancel) => own.ConnectAsync(context.DnsEndPoint, cancel);
        }

        _http = new HttpClient(handler)
        {
            BaseAddress = controller,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>How long a request other than the policy stream may take.</summary>
    public static TimeSpan RequestTimeout { get; } = TimeSpan.FromSeconds(30);

    /// <summary>A connection that trusts one CA and shows a certificate, if there is one. Takes ownership of the certificate.</summary>
    /// <param name="controller">Where it is.</param>
    /// <param name="authority">The CA.</param>
    /// <param name="certificate">The agent's, with its key; or null.</param>
    /// <param name="own">Opens the connections, if they are to be remembered.</param>
    public static ControllerClient Trusting(Uri controller, X509Certificate2 authority, X509Certificate2? certificate, OwnConnections? own = null)
    {
        var trust = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        trust.CustomTrustStore.Add(authority);
        return new(controller, new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            CertificateChainPolicy = trust,
            ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, [authority], offline: true),
        }, certificate, own);
    }

    /// <summary>Fetches the CA's certificate without trusting anybody. The caller compares it with its pin.</summary>
    public static async Task<byte[]> FetchAuthorityAsync(Uri controller, CancellationToken cancel)
    {
        using var client = new ControllerClient(controller, new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            // Nobody can be trusted yet: what is fetched is public, and counts only if its digest is the pinned one.
            RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
        }, null);
        using var response = await client.SendAsync(HttpMethod.Get, "/agent/v1/authority", null, HttpCompletionOption.ResponseContentRead, cancel);
        return await ReadBoundedAsync(response, cancel);
    }

    /// <summary>Sends a message and reads the answer.</summary>
    /// <param name="path">Such as <c>/agent/v1/state</c>.</param>
    /// <param name="request">The body.</param>
    /// <param name="answer">Parses the answer.</param>
    /// <param name="cancel">Gives up.</param>
    public async Task<T> PostAsync<T>(string path, IMessage request, MessageParser<T> answer, CancellationToken cancel)
        where T : IMessage<T>
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(RequestTimeout);
        try
        {
            using var response = await SendAsync(HttpMethod.Post, path, request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
            var body = await ReadBoundedAsync(response, deadline.Token);
            return answer.ParseFrom(body);
        }
        catch (InvalidProtocolBufferException malformed)
        {
            throw ChannelException.Malformed($"The answer to {path} is malformed: {malformed.Message}");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.Unknown, $"{path}: no answer within {RequestTimeout.TotalSeconds:0} s");
        }
    }

    /// <summary>Opens the policy stream.</summary>
    /// <param name="deltas">Whether changes may come as such.</param>
    /// <param name="watch">Whether to be told when somebody watches.</param>
    /// <param name="cancel">Gives up.</param>
    public async Task<PolicyStream> OpenPolicyAsync(bool deltas, bool watch, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(RequestTimeout);
        try
        {
            var response = await SendAsync(HttpMethod.Get, $"/agent/v1/policy?deltas={(deltas ? 1 : 0)}&watch={(watch ? 1 : 0)}", null, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
            return new PolicyStream(await response.Content.ReadAsStreamAsync(cancel), response);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new HttpRequestException(HttpRequestError.Unknown, $"/agent/v1/policy: no answer within {RequestTimeout.TotalSeconds:0} s");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _certificate?.Dispose();
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, IMessage? body, HttpCompletionOption completion, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body.ToByteArray()) { Headers = { ContentType = new(Protobuf) } };
        }

        var response = await _http.SendAsync(request, completion, cancel);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw new ChannelException(response.StatusCode, await ReadFailureAsync(response, path, cancel), response.Headers.RetryAfter?.Delta);
        }
    }

    private static async Task<Failure> ReadFailureAsync(HttpResponseMessage response, string path, CancellationToken cancel)
    {
        if (response.Content.Headers.ContentType?.MediaType == Protobuf)
        {
            try
            {
                return Failure.Parser.ParseFrom(await ReadBoundedAsync(response, cancel));
            }
            catch (InvalidProtocolBufferException)
            {
                // Said below, like any other answer that is not ours.
            }
        }

        return new Failure
        {
            Code = "unexpected-answer",
            Message = $"{path} was answered with status {(int)response.StatusCode}.",
            Remedy = "Check that the address is that of the controller's agent port.",
        };
    }

    private static async Task<byte[]> ReadBoundedAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancel);
        using var body = new MemoryStream();
        var buffer = new byte[4096];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancel)) > 0)
        {
            if (body.Length + read > LargestAnswer)
            {
                throw ChannelException.Malformed($"An answer is larger than {LargestAnswer} bytes.");
            }

            body.Write(buffer, 0, read);
        }

        return body.ToArray();
    }
}
