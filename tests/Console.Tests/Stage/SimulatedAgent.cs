using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;

namespace Bulkhead.Console.Tests.Stage;

/// <summary>
/// An agent without a kernel: paired for real over mutual TLS, it holds a policy stream open, acknowledges each policy as applied, and
/// reports the flows that it is told.
/// </summary>
internal sealed class SimulatedAgent : IAsyncDisposable
{
    private const string MediaType = "application/x-protobuf";
    private static readonly string[] s_features = ["base-1", "process-inbound-1", "process-outbound-1", "unit-inbound-1", "unit-outbound-1", "user-outbound-1"];
    private readonly HttpClient _http;
    private readonly HostIdentity _identity;
    private readonly IPAddress _address;
    private readonly CancellationTokenSource _stop = new();
    private readonly ulong _spool = (ulong)RandomNumberGenerator.GetInt32(1, int.MaxValue);
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _following = Task.CompletedTask;
    private ulong _sequence;

    private SimulatedAgent(HttpClient http, HostIdentity identity, IPAddress address) => (_http, _identity, _address) = (http, identity, address);

    /// <summary>Listening sockets to report.</summary>
    public IReadOnlyList<(string Port, ProcessInfo Process)> Listeners { get; init; } = [];

    /// <summary>Pairs a host of this name and address.</summary>
    public static async Task<SimulatedAgent> PairAsync(RunningController controller, string key, string name, IPAddress address, IReadOnlyList<(string, ProcessInfo)> listeners)
    {
        using var signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName(""), signer, HashAlgorithmName.SHA256);
        var identity = new HostIdentity { HostName = name, MachineId = Guid.NewGuid().ToString("N"), HardwareUuid = Guid.NewGuid().ToString("D") };
        using var stranger = Client(controller, null);
        var paired = await SendAsync(stranger, "pair", PairResponse.Parser, new PairRequest
        {
            Key = key,
            SigningRequest = ByteString.CopyFrom(request.CreateSigningRequest()),
            Identity = identity,
            Agent = Info(),
            Addresses = { Bytes(address) },
        }, CancellationToken.None);
        using var certificate = X509CertificateLoader.LoadCertificate(paired.Certificate.Span).CopyWithPrivateKey(signer);
        // A certificate from PFX keeps its key for as long as TLS needs it.
        var lasting = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
        var agent = new SimulatedAgent(Client(controller, lasting), identity, address) { Listeners = listeners };
        agent._following = agent.FollowAsync();
        await agent._first.Task.WaitAsync(TimeSpan.FromSeconds(30));
        return agent;
    }

    /// <summary>Sends one window of flows that ends now.</summary>
    public async Task ReportAsync(IEnumerable<(FlowSummary Flow, ProcessInfo Process)> flows)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var batch = new FlowBatch { SpoolEpoch = _spool, Sequence = ++_sequence, SentUnixMs = now, WindowUnixMs = now - 10_000, WindowMs = 10_000 };
        foreach (var (flow, process) in flows)
        {
            if (!batch.Processes.Contains(process))
            {
                batch.Processes.Add(process);
            }

            flow.Process = (uint)batch.Processes.IndexOf(process) + 1;
            flow.LocalAddress = Bytes(_address);
            (flow.FirstMs, flow.LastMs) = (500, 9_500);
            batch.Flows.Add(flow);
        }

        await SendAsync(_http, "flows", FlowAck.Parser, batch, _stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _following;
        }
        catch (Exception ended) when (ended is OperationCanceledException or HttpRequestException or IOException)
        {
            // The stream ends with the controller or with us: both are the end of the play.
        }

        _http.Dispose();
        _stop.Dispose();
    }

    internal static ByteString Bytes(IPAddress address) => ByteString.CopyFrom(address.GetAddressBytes());

    private static AgentInfo Info() => new() { Version = "0.1.0", Os = "Debian GNU/Linux 12 (bookworm)", Kernel = "6.1.0", Features = { s_features } };

    private static HttpClient Client(RunningController controller, X509Certificate2? identity) => new(Trust.Handler(controller.AuthorityFile, identity))
    {
        BaseAddress = new(controller.AgentUrl, "/agent/v1/"),
        DefaultRequestVersion = HttpVersion.Version20,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private async Task FollowAsync()
    {
        try
        {
            await using var stream = await _http.GetStreamAsync(new Uri("policy", UriKind.Relative), _stop.Token);
            while (await ReadAsync(stream) is { } message)
            {
                if (message.Policy is { } policy)
                {
                    await AcknowledgeAsync(policy);
                    _first.TrySetResult();
                }
            }
        }
        catch (Exception problem)
        {
            _first.TrySetException(problem);
            throw;
        }
    }

    private Task AcknowledgeAsync(HostPolicy policy)
    {
        var report = new StateReport
        {
            Agent = Info(),
            Identity = _identity,
            Applied = policy.Generation,
            Inbound = policy.Inbound,
            Outbound = policy.Outbound,
            SentUnixMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(),
            Interfaces = { new Interface { Name = "eth0", Addresses = { new InterfaceAddress { Address = Bytes(_address), Length = 24 } } } },
        };
        foreach (var (port, process) in Listeners)
        {
            report.Processes.Add(process);
            var (protocol, number) = Ports.Parse(port);
            report.Listeners.Add(new Listener { Protocol = protocol, Port = number, Process = (uint)report.Processes.Count });
        }

        return SendAsync(_http, "state", StateAck.Parser, report, _stop.Token);
    }

    /// <summary>One length-delimited message; null at the end of the stream.</summary>
    private async Task<ServerMessage?> ReadAsync(Stream stream)
    {
        var one = new byte[1];
        uint length = 0;
        for (var shift = 0; ; shift += 7)
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0)
            {
                return null;
            }

            length |= (uint)(one[0] & 0x7f) << shift;
            if (one[0] < 0x80)
            {
                break;
            }
        }

        var body = new byte[length];
        await stream.ReadExactlyAsync(body, _stop.Token);
        return ServerMessage.Parser.ParseFrom(body);
    }

    private static async Task<T> SendAsync<T>(HttpClient http, string path, MessageParser<T> parser, IMessage body, CancellationToken cancellation)
        where T : IMessage<T>
    {
        using var content = new ByteArrayContent(body.ToByteArray());
        content.Headers.ContentType = new(MediaType);
        using var response = await http.PostAsync(new Uri(path, UriKind.Relative), content, cancellation);
        var answer = await response.Content.ReadAsByteArrayAsync(cancellation);
        if (response.IsSuccessStatusCode)
        {
            return parser.ParseFrom(answer);
        }

        var said = response.Content.Headers.ContentType?.MediaType == MediaType
            ? Failure.Parser.ParseFrom(answer).ToString()
            : System.Text.Encoding.UTF8.GetString(answer);
        throw new HttpRequestException($"{path}: {(int)response.StatusCode} {said}");
    }
}
