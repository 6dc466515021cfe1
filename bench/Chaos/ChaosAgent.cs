using System.Globalization;
using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Bulkhead.Bench.Harness;
using Bulkhead.Contracts.Agent;
using Google.Protobuf;

namespace Bulkhead.Bench.Chaos;

/// <summary>An agent's end of the channel: pairs until it is told that it is, sends flows until each batch is acknowledged, and misbehaves on the way.</summary>
internal sealed class ChaosAgent : IDisposable
{
    private readonly Uri _controller;
    private readonly X509Certificate2 _authority;
    private readonly byte[] _address;
    private readonly string _key;
    private readonly ECDsa _secret = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly Random _random;
    private HttpClient? _http;
    private FlowBatch? _before;
    private ulong _sequence;

    public ChaosAgent(Uri controller, X509Certificate2 authority, string key, int number, int seed)
    {
        (_controller, _authority, _key, _random) = (controller, authority, key, new(seed));
        (Name, _address) = ($"host{number}", [10, 100, (byte)(number / 256), (byte)(number % 256)]);
    }

    public string Name { get; }

    public string Address => new IPAddress(_address).ToString();

    private HostIdentity Identity => new() { HostName = Name, MachineId = $"machine-{Name}", HardwareUuid = $"uuid-{Name}" };

    /// <summary>Pairs.</summary>
    /// <returns>The workload's id; null if there was no answer.</returns>
    public async Task<Guid?> PairAsync(CancellationToken cancel)
    {
        var request = new PairRequest
        {
            Key = _key,
            Identity = Identity,
            Agent = new() { Version = "chaos", Os = "chaos", Kernel = "chaos", Features = { "base-1" } },
            SigningRequest = ByteString.CopyFrom(new CertificateRequest(new X500DistinguishedName(""), _secret, HashAlgorithmName.SHA256).CreateSigningRequest()),
            Addresses = { ByteString.CopyFrom(_address) },
        };
        using var http = Connect(null);
        if (await PostAsync(http, "pair", request.ToByteArray(), cancel) is not { } answer)
        {
            return null;
        }

        var paired = PairResponse.Parser.ParseFrom(answer);
        using var issued = X509CertificateLoader.LoadCertificate(paired.Certificate.Span);
        _http?.Dispose();
        _http = Connect(issued.CopyWithPrivateKey(_secret));
        return Guid.Parse(paired.WorkloadId, CultureInfo.InvariantCulture);
    }

    /// <summary>Sends one batch with one connection to a port of its own: perhaps cut short first, perhaps again after, perhaps after it the one before.</summary>
    /// <returns>The port; null if the batch was not acknowledged, and must be sent again.</returns>
    public async Task<string?> SendAsync(CancellationToken cancel)
    {
        var batch = Batch(_sequence + 1);
        if (_random.Next(8) == 0)
        {
            await SendMalformedAsync(batch, cancel);
        }

        if (!await AcknowledgedAsync(batch, cancel))
        {
            return null;
        }

        _sequence++;
        var again = _random.Next(8) switch { 0 => batch, 1 => _before, _ => null };
        if (again is not null)
        {
            await AcknowledgedAsync(again, cancel);
        }

        _before = batch;
        return $"tcp/{batch.Flows[0].Port}";
    }

    /// <summary>Takes the policy that is meant for it, and says that it enforces that.</summary>
    public async Task<bool> FollowAsync(CancellationToken cancel)
    {
        try
        {
            using var response = await _http!.GetAsync(new Uri("policy", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancel);
            if (!response.IsSuccessStatusCode)
            {
                return false;
            }

            await using var stream = await response.Content.ReadAsStreamAsync(cancel);
            var message = await ReadAsync(stream, cancel);
            var report = new StateReport
            {
                Agent = new() { Version = "chaos", Os = "chaos", Kernel = "chaos", Features = { "base-1" } },
                Identity = Identity,
                Interfaces = { new Interface { Name = "eth0", Addresses = { new InterfaceAddress { Address = ByteString.CopyFrom(_address), Length = 8 } } } },
                Applied = message.Policy.Generation,
            };
            return await PostAsync(_http!, "state", report.ToByteArray(), cancel) is not null;
        }
        catch (Exception gone) when (IsGone(gone, cancel))
        {
            return false;
        }
    }

    public void Dispose()
    {
        _http?.Dispose();
        _secret.Dispose();
    }

    private static async Task<ServerMessage> ReadAsync(Stream stream, CancellationToken cancel)
    {
        var (length, one) = (0, new byte[1]);
        for (var shift = 0; ; shift += 7)
        {
            await stream.ReadExactlyAsync(one, cancel);
            length |= (one[0] & 0x7f) << shift;
            if (one[0] < 0x80)
            {
                break;
            }
        }

        var body = new byte[length];
        await stream.ReadExactlyAsync(body, cancel);
        return ServerMessage.Parser.ParseFrom(body);
    }

    private FlowBatch Batch(ulong sequence)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new()
        {
            SpoolEpoch = 1,
            Sequence = sequence,
            WindowMs = 10_000,
            WindowUnixMs = now.AddSeconds(-20).ToUnixTimeMilliseconds(),
            SentUnixMs = now.ToUnixTimeMilliseconds(),
            Flows =
            {
                new FlowSummary
                {
                    Direction = Direction.Inbound, Outcome = Outcome.Passed, Protocol = 6, Port = (uint)sequence, Connections = 1, FirstMs = 1, LastMs = 2,
                    LocalAddress = ByteString.CopyFrom(_address), RemoteAddress = ByteString.CopyFrom(10, 200, 0, 1),
                },
            },
        };
    }

    private async Task SendMalformedAsync(FlowBatch batch, CancellationToken cancel)
    {
        var whole = batch.ToByteArray();
        var cut = whole[..(whole.Length - 3)];
        try
        {
            using var response = await _http!.PostAsync(new Uri("flows", UriKind.Relative), new ByteArrayContent(cut), cancel);
            if (response.IsSuccessStatusCode)
            {
                throw new BenchException("a truncated batch was taken");
            }
        }
        catch (Exception gone) when (IsGone(gone, cancel))
        {
        }
    }

    private async Task<bool> AcknowledgedAsync(FlowBatch batch, CancellationToken cancel) =>
        await PostAsync(_http!, "flows", batch.ToByteArray(), cancel) is { } answer
        && FlowAck.Parser.ParseFrom(answer) is var ack && (ack.SpoolEpoch, ack.Sequence) == (batch.SpoolEpoch, batch.Sequence);

    /// <summary>The answer; null if there was none, or one that says to try again.</summary>
    private static async Task<byte[]?> PostAsync(HttpClient http, string path, byte[] body, CancellationToken cancel)
    {
        try
        {
            using var response = await http.PostAsync(new Uri(path, UriKind.Relative), new ByteArrayContent(body), cancel);
            var answer = await response.Content.ReadAsByteArrayAsync(cancel);
            return response.StatusCode switch
            {
                HttpStatusCode.OK => answer,
                HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests => null,
                var other => throw new BenchException($"{path} was answered with {(int)other}: {Failure.Parser.ParseFrom(answer).Message}"),
            };
        }
        catch (Exception gone) when (IsGone(gone, cancel))
        {
            return null;
        }
    }

    /// <summary>Whether the controller died under a request, or answered nothing for half a minute.</summary>
    internal static bool IsGone(Exception problem, CancellationToken cancel) =>
        problem is HttpRequestException or IOException || (problem is OperationCanceledException && !cancel.IsCancellationRequested);

    private HttpClient Connect(X509Certificate2? certificate)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions =
            {
                CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { _authority }, RevocationMode = X509RevocationMode.NoCheck },
                EnabledSslProtocols = SslProtocols.Tls13,
                ClientCertificateContext = certificate is null ? null : System.Net.Security.SslStreamCertificateContext.Create(certificate, null, offline: true),
            },
        };
        return new(handler) { BaseAddress = new(_controller, "agent/v1/"), DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact, Timeout = TimeSpan.FromSeconds(30) };
    }
}
