using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Bulkhead.Agent.Checks;
using Bulkhead.Agent.Commands;
using Bulkhead.Agent.Linux;
using Bulkhead.Agent.State;
using Bulkhead.Enforcement.Documents;

namespace Bulkhead.Agent.Support;

/// <summary>
/// Collects what helps to understand a host from afar. Only what is named here is taken: the folder's files are never copied, so that neither the
/// private key nor anything that is added to the folder later can get in. What cannot be had is replaced by the reason.
/// </summary>
internal static class SupportBundle
{
    private static readonly (string Name, string Command, string[] Arguments)[] _tools =
    [
        ("nft/bulkhead.nft", "nft", ["list", "table", "inet", FirewallDocument.Table]),
        ("nft/tables.txt", "nft", ["list", "tables"]),
        ("nft/chains.txt", "nft", ["list", "chains"]),
        ("network/addresses.txt", "ip", ["address"]),
        ("network/routes.txt", "ip", ["route", "show", "table", "all"]),
        ("network/sockets.txt", "ss", ["--numeric", "--all", "--tcp", "--udp"]),
        ("network/sockets-summary.txt", "ss", ["--summary"]),
        ("journal.txt", "journalctl", ["--unit", "bulkhead-agent*", "--no-pager", "--lines", "5000", "--output", "short-iso-precise"]),
        ("units.txt", "systemctl", ["--no-pager", "status", "bulkhead-agent.service", "bulkhead-agent-early.service"]),
    ];

    private static readonly string[] _files =
    [
        "/etc/os-release", "/etc/resolv.conf", "/proc/version", "/proc/cmdline", "/proc/meminfo", "/proc/loadavg", "/proc/uptime", "/proc/net/snmp", "/proc/net/stat/nf_conntrack",
        "/proc/sys/net/netfilter/nf_conntrack_count", "/proc/sys/net/netfilter/nf_conntrack_max", "/proc/sys/net/netfilter/nf_conntrack_tcp_loose", "/proc/net/netfilter/nfnetlink_log",
    ];

    /// <summary>Writes it; readable by the owner only.</summary>
    /// <exception cref="AgentException">The file cannot be written.</exception>
    public static async Task WriteAsync(StateDirectory state, string path, DateTimeOffset now, CancellationToken cancel)
    {
        try
        {
            await using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = DurableFile.Private });
            await using var packed = new GZipStream(file, CompressionLevel.Optimal);
            await using var tar = new TarWriter(packed);
            await foreach (var (name, content) in CollectAsync(state))
            {
                using var bytes = new MemoryStream(Encoding.UTF8.GetBytes(content));
                await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, $"bulkhead-agent/{name}") { DataStream = bytes, ModificationTime = now, Mode = DurableFile.Private }, cancel);
            }
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new AgentException("bundle-not-written", $"The bundle cannot be written: {refused.Message}", "Name another file with --file.");
        }
    }

    private static async IAsyncEnumerable<(string Name, string Content)> CollectAsync(StateDirectory state)
    {
        yield return ("identity.txt", Try(() => Describe(Identity.Load(state))));
        yield return ("status.json", Try(() => AgentStatus.Load(state) is { } status ? JsonSerializer.Serialize(status, StateJson.Default.AgentStatus) : "there is none"));
        yield return ("panic.txt", Try(() => PanicOrder.Load(state)?.ToProblem().Message ?? "no"));
        yield return ("policy.txt", Try(() => Write(output => PolicyCommand.ShowSentences(state, output))));
        yield return ("folder.txt", Try(() => string.Join('\n', new DirectoryInfo(state.Root).EnumerateFileSystemInfos("*", SearchOption.AllDirectories).Select(Describe))));
        yield return ("check.txt", CheckCommand.Table(await CheckCommand.FindAsync(state)));
        foreach (var (name, command, arguments) in _tools)
        {
            var (exit, output, errors) = await Tool.RunAsync(command, arguments);
            yield return (name, exit == 0 ? output : $"{output}\n[{command} {string.Join(' ', arguments)}: exit code {exit}. {errors}]\n");
        }

        foreach (var file in _files)
        {
            yield return ($"files{file}", Try(() => File.ReadAllText(file)));
        }
    }

    private static string Describe(Identity identity)
    {
        using var certificate = identity.ToCertificate();
        using var authority = identity.ToAuthority();
        return $"""
            workload     {identity.WorkloadId}
            controller   {identity.Controller}
            name         {identity.Name ?? "(the host's)"}
            agent        {HostFacts.Version}
            certificate  serial {certificate.SerialNumber}, {certificate.NotBefore.ToUniversalTime():u} to {certificate.NotAfter.ToUniversalTime():u}
            authority    {authority.GetCertHashString(System.Security.Cryptography.HashAlgorithmName.SHA256)}

            """;
    }

    private static string Describe(FileSystemInfo entry) => string.Create(
        CultureInfo.InvariantCulture, $"{entry.UnixFileMode,-40} {(entry as FileInfo)?.Length,12} {entry.LastWriteTimeUtc:u} {entry.FullName}");

    private static string Write(Action<StringWriter> write)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        write(text);
        return text.ToString();
    }

    private static string Try(Func<string> read)
    {
        try
        {
            return read();
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException or AgentException)
        {
            return $"[{missing.Message}]\n";
        }
    }
}
