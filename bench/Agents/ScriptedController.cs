using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Channels;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Bench.Agents;

/// <summary>
/// The controller's end of the agent channel (docs/agent-channel.md) for one agent: pairs it, sends it what it is told to, and keeps its reports. So
/// what is measured is the agent, from the bytes that arrive on.
/// </summary>
internal sealed class ScriptedController : IAsyncDisposable
{
    /// <summary>The pairing key that it takes.</summary>
    public const string Key = "bench";

    private const string Workload = "7b0c2f1e-0000-4000-8000-00000000be7c";

    private readonly X509Certificate2 _authority;
    private readonly Channel<byte[]> _messages = Channel.CreateUnbounded<byte[]>();
    private readonly EpochProof _proof;
    private readonly HashSet<(ulong Epoch, ulong Sequence)> _sequences = [];
    private WebApplication _app = null!;

    private ScriptedController(X509Certificate2 authority)
    {
        _authority = authority;
        using var key = authority.GetECDsaPrivateKey()!;
        var signature = key.SignData(Encoding.UTF8.GetBytes("bulkhead-epoch:1"), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        _proof = new() { Epoch = 1, Signature = ByteString.CopyFrom(signature) };
    }

    /// <summary>SHA-256 of its CA's certificate, as the agent wants it.</summary>
    public string Digest => Convert.ToHexStringLower(SHA256.HashData(_authority.RawData));

    /// <summary>The agent's reports, in order.</summary>
    public ConcurrentQueue<StateReport> States { get; } = new();

    /// <summary>The agent's flow batches, in order, each once.</summary>
    public ConcurrentQueue<FlowBatch> Flows { get; } = new();

    /// <summary>Starts it on a listening socket.</summary>
    public static async Task<ScriptedController> StartAsync(Socket listener)
    {
        using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=bench", caKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var controller = new ScriptedController(request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(2)));
        await controller.ListenAsync(listener);
        return controller;
    }

    /// <summary>Sends a policy of the first epoch; returns when, by <see cref="Stopwatch"/>.</summary>
    public long Push(HostPolicy policy)
    {
        policy.EpochProof = _proof;
        return Push(new ServerMessage { Policy = policy });
    }

    /// <summary>Sends a message; returns when its bytes, all of them ready, were handed on.</summary>
    public long Push(ServerMessage message)
    {
        using var stream = new MemoryStream();
        message.WriteDelimitedTo(stream);
        var bytes = stream.ToArray();
        var start = Stopwatch.GetTimestamp();
        _messages.Writer.TryWrite(bytes);
        return start;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _messages.Writer.TryComplete();
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
        _authority.Dispose();
    }

    private async Task ListenAsync(Socket listener)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var issued = Issue("CN=controller", key, ((IPEndPoint)listener.LocalEndPoint!).Address);
        using var withKey = issued.CopyWithPrivateKey(key);
        var server = X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.ListenHandle((ulong)listener.Handle, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificate = server,
                SslProtocols = SslProtocols.Tls13,
                ClientCertificateMode = ClientCertificateMode.AllowCertificate,
                ClientCertificateValidation = (certificate, _, _) => certificate.Issuer == _authority.Subject,
            });
        }));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        switch (context.Request.Path.Value)
        {
            case "/agent/v1/authority":
                await context.Response.Body.WriteAsync(_authority.RawData);
                break;
            case "/agent/v1/pair":
                var signing = CertificateRequest.LoadSigningRequest(PairRequest.Parser.ParseFrom(body.ToArray()).SigningRequest.ToByteArray(), HashAlgorithmName.SHA256);
                using (var certificate = Issue($"CN={Workload}", signing.PublicKey, null))
                {
                    await ReplyAsync(context, new PairResponse
                    {
                        WorkloadId = Workload,
                        Certificate = ByteString.CopyFrom(certificate.RawData),
                        Authority = ByteString.CopyFrom(_authority.RawData),
                    });
                }

                break;
            case "/agent/v1/flows":
                var batch = FlowBatch.Parser.ParseFrom(body.ToArray());
                if (_sequences.Add((batch.SpoolEpoch, batch.Sequence)))
                {
                    Flows.Enqueue(batch);
                }

                await ReplyAsync(context, new FlowAck { SpoolEpoch = batch.SpoolEpoch, Sequence = batch.Sequence });
                break;
            case "/agent/v1/state":
                States.Enqueue(StateReport.Parser.ParseFrom(body.ToArray()));
                await ReplyAsync(context, new StateAck());
                break;
            default:
                await StreamAsync(context);
                break;
        }
    }

    private async Task StreamAsync(HttpContext context)
    {
        await context.Response.StartAsync();
        await foreach (var message in _messages.Reader.ReadAllAsync(context.RequestAborted))
        {
            await context.Response.Body.WriteAsync(message, context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private static async Task ReplyAsync(HttpContext context, IMessage message)
    {
        context.Response.ContentType = "application/x-protobuf";
        await context.Response.Body.WriteAsync(message.ToByteArray());
    }

    private X509Certificate2 Issue(string subject, ECDsa key, IPAddress address) => Issue(subject, new PublicKey(key), address);

    private X509Certificate2 Issue(string subject, PublicKey key, IPAddress? address)
    {
        var request = new CertificateRequest(new X500DistinguishedName(subject), key, HashAlgorithmName.SHA256);
        if (address is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(address);
            request.CertificateExtensions.Add(names.Build());
        }

        return request.Create(_authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(16));
    }
}
