using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Compile;
using Google.Protobuf;

namespace Bulkhead.Controller.Tests;

/// <summary>An answer on the agent channel that is not a success.</summary>
internal sealed class RefusedByController(int status, Failure failure) : Exception($"{status} {failure.Code}: {failure.Message}")
{
    public int Status => status;

    public string Code => failure.Code;
}

/// <summary>The client side of the agent channel: a key, a certificate, one HTTP/2 connection with mutual TLS.</summary>
internal sealed class TestAgent : IDisposable
{
    private readonly HttpClient _http;
    private readonly HostIdentity _identity;
    private readonly X509Certificate2 _certificate;

    private TestAgent(TestController controller, HostIdentity identity, Guid workload, X509Certificate2 certificate, IPAddress? from)
    {
        (_identity, Workload, _certificate) = (identity, workload, certificate);
        _http = Connect(controller, certificate, from);
    }

    public Guid Workload { get; }

    public string Name => _identity.HostName;

    public static HostIdentity Identity(string name) => new() { HostName = name, MachineId = $"machine-{name}", HardwareUuid = $"uuid-{name}" };

    /// <summary>Pairs a host for real.</summary>
    public static async Task<TestAgent> PairAsync(TestController controller, string key, string name, params string[] addresses) =>
        await PairAsync(controller, Request(key, Identity(name), addresses));

    public static async Task<TestAgent> PairAsync(TestController controller, PairRequest request)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (request.SigningRequest.IsEmpty)
        {
            request.SigningRequest = SigningRequest(key);
        }

        using var http = Connect(controller, null, null);
        var answer = await PostAsync(http, "pair", request, PairResponse.Parser);
        Assert.Equal(controller.Authority.Certificate.RawData, answer.Authority.ToByteArray());
        return new(controller, request.Identity, Guid.Parse(answer.WorkloadId), WithKey(answer.Certificate, key), null);
    }

    public static PairRequest Request(string key, HostIdentity identity, params string[] addresses) => new()
    {
        Key = key,
        Identity = identity,
        Agent = Info(),
        Addresses = { addresses.Select(a => ByteString.CopyFrom(IpAddress.Parse(a).ToBytes())) },
    };

    public static ByteString SigningRequest(ECDsa key) =>
        ByteString.CopyFrom(new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256).CreateSigningRequest());

    /// <summary>The same certificate, from another address of this machine.</summary>
    public TestAgent CopyAt(TestController controller, string from, HostIdentity? identity = null) =>
        new(controller, identity ?? _identity, Workload, X509CertificateLoader.LoadPkcs12(_certificate.Export(X509ContentType.Pkcs12), null), IPAddress.Parse(from));

    /// <summary>The same agent, connected to another controller.</summary>
    public TestAgent At(TestController controller) => new(controller, _identity, Workload, X509CertificateLoader.LoadPkcs12(_certificate.Export(X509ContentType.Pkcs12), null), null);

    /// <summary>Renews, and is from then on an agent with the new certificate.</summary>
    public async Task<TestAgent> RenewAsync(TestController controller)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var answer = await PostAsync(_http, "renew", new RenewRequest { SigningRequest = SigningRequest(key) }, RenewResponse.Parser);
        return new(controller, _identity, Workload, WithKey(answer.Certificate, key), null);
    }

    public StateReport Report(params string[] addresses) => new()
    {
        Agent = Info(),
        Identity = _identity,
        Interfaces = { new Interface { Name = "eth0", Addresses = { addresses.Select(a => new InterfaceAddress { Address = ByteString.CopyFrom(IpAddress.Parse(a).ToBytes()), Length = 24 }) } } },
    };

    public Task<StateAck> SendAsync(StateReport report) => PostAsync(_http, "state", report, StateAck.Parser);

    public Task<RuleAnswer> SendAsync(RuleRequest request) => PostAsync(_http, "rules", request, RuleAnswer.Parser);

    public Task<FlowAck> SendAsync(FlowBatch batch) => PostAsync(_http, "flows", batch, FlowAck.Parser);

    public async Task<HttpResponseMessage> PostRawAsync(string path, byte[] body) =>
        await _http.PostAsync(new Uri(path, UriKind.Relative), new ByteArrayContent(body));

    /// <summary>Sends a message whose last byte comes only when it is let.</summary>
    public async Task PostSlowlyAsync(string path, IMessage message, Task gate)
    {
        using var response = await _http.PostAsync(new Uri(path, UriKind.Relative), new SlowBody(message.ToByteArray(), gate));
        await ThrowIfRefusedAsync(response);
    }

    /// <summary>Opens the policy stream.</summary>
    public Task<TestStream> OpenAsync() => OpenAsync(deltas: false);

    /// <summary>Opens the policy stream, which may bring changes as such if they are asked for.</summary>
    public async Task<TestStream> OpenAsync(bool deltas, bool watch = false)
    {
        var response = await _http.GetAsync(new Uri($"policy?deltas={(deltas ? 1 : 0)}&watch={(watch ? 1 : 0)}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        await ThrowIfRefusedAsync(response);
        return new(response, await response.Content.ReadAsStreamAsync());
    }

    public void Dispose()
    {
        _http.Dispose();
        _certificate.Dispose();
    }

    private static AgentInfo Info() => new() { Version = "test", Os = "test", Kernel = "test", Features = { Features.Base } };

    private static X509Certificate2 WithKey(ByteString certificate, ECDsa key)
    {
        using var issued = X509CertificateLoader.LoadCertificate(certificate.Span);
        return issued.CopyWithPrivateKey(key);
    }

    private static HttpClient Connect(TestController controller, X509Certificate2? certificate, IPAddress? from)
    {
        var tls = ApiClient.Trusting(controller.Authority.Certificate);
        tls.EnabledSslProtocols = SslProtocols.Tls13;
        tls.ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true);
        var handler = new SocketsHttpHandler { UseProxy = false, SslOptions = tls };
        if (from is not null)
        {
            handler.ConnectCallback = async (context, cancellation) =>
            {
                var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(from, 0));
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            };
        }

        return new(handler)
        {
            BaseAddress = new(controller.Agents, "/agent/v1/"),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    private static async Task<T> PostAsync<T>(HttpClient http, string path, IMessage message, MessageParser<T> parser)
        where T : IMessage<T>
    {
        using var response = await http.PostAsync(new Uri(path, UriKind.Relative), new ByteArrayContent(message.ToByteArray()));
        await ThrowIfRefusedAsync(response);
        return parser.ParseFrom(await response.Content.ReadAsByteArrayAsync());
    }

    private static async Task ThrowIfRefusedAsync(HttpResponseMessage response)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw new RefusedByController((int)response.StatusCode, Failure.Parser.ParseFrom(await response.Content.ReadAsByteArrayAsync()));
        }
    }
}

/// <summary>A body whose last byte waits.</summary>
internal sealed class SlowBody(byte[] body, Task gate) : HttpContent
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.WriteAsync(body.AsMemory(0, body.Length - 1));
        await stream.FlushAsync();
        await gate;
        await stream.WriteAsync(body.AsMemory(body.Length - 1));
    }

    protected override bool TryComputeLength(out long length)
    {
        length = body.Length;
        return true;
    }
}

/// <summary>An open policy stream.</summary>
internal sealed class TestStream(HttpResponseMessage response, Stream stream) : IDisposable
{
    private Task<ServerMessage?>? _reading;

    /// <summary>The next policy; pings are passed over. Null if the controller ended the stream.</summary>
    public async Task<Contracts.Agent.HostPolicy?> NextAsync() => (await NextMessageAsync())?.Policy;

    /// <summary>The next message that is no ping. Null if the controller ended the stream.</summary>
    public async Task<ServerMessage?> NextMessageAsync()
    {
        while (true)
        {
            _reading ??= ReadAsync();
            var message = await _reading.WaitAsync(Eventually.Deadline);
            _reading = null;
            if (message?.BodyCase != ServerMessage.BodyOneofCase.Ping)
            {
                return message;
            }
        }
    }

    /// <summary>Whether nothing has come since the last policy.</summary>
    public bool IsQuiet => !(_reading ??= ReadAsync()).IsCompleted;

    public void Dispose() => response.Dispose();

    private async Task<ServerMessage?> ReadAsync()
    {
        try
        {
            var (length, one) = (0, new byte[1]);
            for (var shift = 0; ; shift += 7)
            {
                if (await stream.ReadAsync(one) == 0)
                {
                    return null;
                }

                length |= (one[0] & 0x7f) << shift;
                if (one[0] < 0x80)
                {
                    break;
                }
            }

            var body = new byte[length];
            await stream.ReadExactlyAsync(body);
            return ServerMessage.Parser.ParseFrom(body);
        }
        catch (Exception problem) when (problem is IOException or HttpRequestException or ObjectDisposedException)
        {
            return null;
        }
    }
}
