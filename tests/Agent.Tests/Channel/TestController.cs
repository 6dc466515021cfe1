using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using Bulkhead.Agent.Policies;
using Bulkhead.Agent.State;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Bulkhead.Agent.Tests.Channel;

/// <summary>The server's side of the agent channel over real TLS, as docs/agent-channel.md has it, with a handle on everything.</summary>
internal sealed class TestController : IAsyncDisposable
{
    public const string Key = "a-pairing-key";

    /// <summary>Its certificate is good for this name too.</summary>
    public const string Name = "controller.test";

    private const string Workload = "7b0c2f1e-0000-4000-8000-000000000001";

    private readonly WebApplication _app;
    private readonly X509Certificate2 _authority;
    private readonly List<Channel<byte[]>> _streams = [];
    private byte[] _first = [];

    private TestController(WebApplication app, X509Certificate2 authority) => (_app, _authority) = (app, authority);

    public Uri Address { get; private set; } = null!;

    public byte[] Authority => _authority.RawData;

    public string Digest => Convert.ToHexStringLower(SHA256.HashData(Authority));

    public ConcurrentQueue<PairRequest> Pairings { get; } = new();

    public ConcurrentQueue<StateReport> States { get; } = new();

    public ConcurrentQueue<FlowBatch> Flows { get; } = new();

    /// <summary>What it tells of rules.</summary>
    public List<RuleInfo> Rules { get; } = [];

    /// <summary>What it tells of agents' peers.</summary>
    public PeerKnowledge? Peers { get; set; } = new() { Counted = true };

    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Answers a request in place of the controller, if it returns a status.</summary>
    public Func<string, (int Status, Failure Failure)?> Refuse { get; set; } = _ => null;

    /// <param name="listener">A socket to listen on, such as one of another network namespace; a loopback one if null.</param>
    public static async Task<TestController> StartAsync(Socket? listener = null)
    {
        var authority = MakeAuthority();
        var host = ((IPEndPoint?)listener?.LocalEndPoint)?.Address ?? IPAddress.Loopback;
        var server = Issue(authority, "CN=controller", host, ECDsa.Create(ECCurve.NamedCurves.nistP256), TimeSpan.FromDays(1));
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            void Secure(ListenOptions listen)
            {
                listen.Protocols = HttpProtocols.Http2;
                listen.UseHttps(new HttpsConnectionAdapterOptions
                {
                    ServerCertificate = server,
                    SslProtocols = SslProtocols.Tls13,
                    ClientCertificateMode = ClientCertificateMode.AllowCertificate,
                    ClientCertificateValidation = (certificate, _, _) => certificate.Issuer == authority.Subject,
                });
            }

            if (listener is null)
            {
                kestrel.Listen(IPAddress.Loopback, 0, Secure);
            }
            else
            {
                kestrel.ListenHandle((ulong)listener.Handle, Secure);
            }
        });
        var app = builder.Build();
        var controller = new TestController(app, authority);
        app.Run(controller.AnswerAsync);
        await app.StartAsync();
        var port = ((IPEndPoint?)listener?.LocalEndPoint)?.Port ?? new Uri(app.Urls.First()).Port;
        controller.Address = new Uri($"https://{(host.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{host}]" : host)}:{port}");
        return controller;
    }

    /// <summary>Sends to every open policy stream, and first to those opened later.</summary>
    public void Push(HostPolicy policy)
    {
        policy.EpochProof = Prove(policy.Generation.Epoch);
        Send(new ServerMessage { Policy = policy });
    }

    public void Send(ServerMessage message) => SendRaw(Delimit(message));

    public void SendRaw(byte[] bytes)
    {
        lock (_streams)
        {
            _first = bytes;
            _streams.ForEach(stream => stream.Writer.TryWrite(bytes));
        }
    }

    /// <summary>Sends to every open policy stream, but not to those opened later.</summary>
    public void SendOnce(ServerMessage message)
    {
        lock (_streams)
        {
            _streams.ForEach(stream => stream.Writer.TryWrite(Delimit(message)));
        }
    }

    /// <summary>Is sent first to policy streams that are opened later.</summary>
    public void SetFirst(HostPolicy policy)
    {
        policy.EpochProof = Prove(policy.Generation.Epoch);
        lock (_streams)
        {
            _first = Delimit(new ServerMessage { Policy = policy });
        }
    }

    /// <summary>Ends every open policy stream.</summary>
    public void EndStreams()
    {
        lock (_streams)
        {
            _streams.ForEach(stream => stream.Writer.TryComplete());
            _streams.Clear();
        }
    }

    public EpochProof Prove(ulong epoch)
    {
        using var key = _authority.GetECDsaPrivateKey()!;
        return new EpochProof
        {
            Epoch = epoch,
            Signature = ByteString.CopyFrom(key.SignData(EpochProofs.Text(epoch), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)),
        };
    }

    public Identity MakeIdentity(TimeSpan? lifetime = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Issue(_authority, $"CN={Workload}", null, key, lifetime ?? Lifetime);
        return new Identity(Address, Workload, null, null, key.ExportPkcs8PrivateKey(), certificate.RawData, Authority);
    }

    public static byte[] Delimit(IMessage message)
    {
        using var stream = new MemoryStream();
        message.WriteDelimitedTo(stream);
        return stream.ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        EndStreams();
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        if (Refuse(path) is var (status, failure))
        {
            await FailAsync(context, status, failure);
            return;
        }

        if (path == "/agent/v1/authority")
        {
            await context.Response.Body.WriteAsync(Authority);
            return;
        }

        var certificate = context.Connection.ClientCertificate;
        if (path != "/agent/v1/pair" && certificate is null)
        {
            await FailAsync(context, 401, new Failure { Code = "certificate-missing", Message = "No certificate." });
            return;
        }

        if (path is not ("/agent/v1/pair" or "/agent/v1/renew") && certificate!.NotAfter < DateTime.Now)
        {
            await FailAsync(context, 401, new Failure { Code = "certificate-expired", Message = "The certificate has expired." });
            return;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        switch (path)
        {
            case "/agent/v1/pair":
                await PairAsync(context, PairRequest.Parser.ParseFrom(body.ToArray()));
                break;
            case "/agent/v1/renew":
                var renewed = IssueFor(RenewRequest.Parser.ParseFrom(body.ToArray()).SigningRequest);
                await ReplyAsync(context, new RenewResponse { Certificate = renewed });
                break;
            case "/agent/v1/flows":
                var batch = FlowBatch.Parser.ParseFrom(body.ToArray());
                Flows.Enqueue(batch);
                await ReplyAsync(context, new FlowAck { SpoolEpoch = batch.SpoolEpoch, Sequence = batch.Sequence });
                break;
            case "/agent/v1/rules":
                var asked = RuleRequest.Parser.ParseFrom(body.ToArray()).Rules;
                await ReplyAsync(context, new RuleAnswer { Rules = { Rules.Where(rule => asked.Contains(rule.Rule)) } });
                break;
            case "/agent/v1/state":
                var report = StateReport.Parser.ParseFrom(body.ToArray());
                States.Enqueue(report);
                await ReplyAsync(context, new StateAck { Peers = report.AsksPeers ? Peers : null });
                break;
            default:
                await StreamAsync(context);
                break;
        }
    }

    private async Task PairAsync(HttpContext context, PairRequest request)
    {
        Pairings.Enqueue(request);
        if (request.Key != Key)
        {
            await FailAsync(context, 403, new Failure { Code = "key-unknown", Message = "The pairing key is not known.", Remedy = "Make a new one." });
            return;
        }

        await ReplyAsync(context, new PairResponse
        {
            WorkloadId = Workload,
            Certificate = IssueFor(request.SigningRequest),
            Authority = ByteString.CopyFrom(Authority),
        });
    }

    private async Task StreamAsync(HttpContext context)
    {
        var stream = System.Threading.Channels.Channel.CreateUnbounded<byte[]>();
        lock (_streams)
        {
            _streams.Add(stream);
            stream.Writer.TryWrite(_first);
        }

        await context.Response.StartAsync();
        await foreach (var bytes in stream.Reader.ReadAllAsync(context.RequestAborted))
        {
            await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private ByteString IssueFor(ByteString signingRequest)
    {
        var request = CertificateRequest.LoadSigningRequest(signingRequest.ToByteArray(), HashAlgorithmName.SHA256);
        using var certificate = Issue(_authority, $"CN={Workload}", null, request.PublicKey, Lifetime);
        return ByteString.CopyFrom(certificate.RawData);
    }

    private static async Task ReplyAsync(HttpContext context, IMessage message)
    {
        context.Response.ContentType = "application/x-protobuf";
        await context.Response.Body.WriteAsync(message.ToByteArray());
    }

    private static async Task FailAsync(HttpContext context, int status, Failure failure)
    {
        context.Response.StatusCode = status;
        await ReplyAsync(context, failure);
    }

    private static X509Certificate2 MakeAuthority()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Test CA", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(10));
    }

    private static X509Certificate2 Issue(X509Certificate2 authority, string subject, IPAddress? host, ECDsa key, TimeSpan lifetime) =>
        Issue(authority, subject, host, new PublicKey(key), lifetime).CopyWithPrivateKey(key);

    private static X509Certificate2 Issue(X509Certificate2 authority, string subject, IPAddress? host, PublicKey key, TimeSpan lifetime)
    {
        var request = new CertificateRequest(new X500DistinguishedName(subject), key, HashAlgorithmName.SHA256);
        if (host is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(host);
            names.AddDnsName(Name);
            request.CertificateExtensions.Add(names.Build());
        }

        var now = DateTimeOffset.UtcNow;
        var from = lifetime < TimeSpan.Zero ? now - TimeSpan.FromMinutes(30) : now.AddSeconds(-5);
        return request.Create(authority, from, now + lifetime, RandomNumberGenerator.GetBytes(16));
    }
}
