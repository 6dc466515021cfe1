using System.Diagnostics;
using System.Globalization;
using Bulkhead.Policy.Addresses;
using Bulkhead.Policy.Services;

namespace Bulkhead.Firewall.Tests;

/// <summary>Programs that serve and connect: socat, from any path, in any cgroup, as any user.</summary>
/// <param name="Host">Where it runs.</param>
/// <param name="Cgroup">Folder of its cgroup.</param>
internal sealed record Puppet(NetworkNamespace Host, string Cgroup)
{
    private static int _port = 20000;

    /// <summary>The program; socat, or a copy of it.</summary>
    public string Program { get; init; } = "/usr/bin/socat";

    /// <summary>Who signed in, or null for nobody.</summary>
    public uint? Login { get; init; }

    /// <summary>Whom it runs as.</summary>
    public uint User { get; init; }

    /// <summary>More options for its sockets, each with a comma in front.</summary>
    public string Options { get; init; } = "";

    /// <summary>Echoes what comes to a port, in both families, each client by a forked worker; until its cgroup is killed.</summary>
    public Process Serve(byte protocol, ushort port)
    {
        var process = Start(protocol == IpProtocol.Tcp ? $"TCP6-LISTEN:{port},fork,reuseaddr,ipv6only=0{Options}" : $"UDP6-RECVFROM:{port},fork,reuseaddr,ipv6only=0{Options}", "PIPE");
        Assert.True(SpinWait.SpinUntil(() => Listens(protocol, port) || process.HasExited, Bench.Deadline) && !process.HasExited, "socat does not serve");
        return process;
    }

    /// <summary>Tries to reach an echo service, as <see cref="Probe"/> does.</summary>
    public async Task<Attempt> ConnectAsync(Bench bench, IpAddress to, byte protocol, ushort port)
    {
        using var end = new CancellationTokenSource(Bench.Deadline);
        var from = (ushort)Interlocked.Increment(ref _port);
        using var process = Start("-", $"{Target(to, protocol, port)},sourceport={from},reuseaddr{Options}");
        var reached = EchoesAsync(process, end.Token);
        var blocked = bench.Blocks.NextAsync(r => r.Protocol == protocol && r.SourcePort == from, end.Token);
        var attempt = await Task.WhenAny(reached, blocked) == reached && await reached
            ? new Attempt(true, null)
            : new Attempt(false, await blocked);
        await end.CancelAsync();
        process.Kill();
        return attempt;
    }

    /// <summary>Opens a TCP connection to an echo service and leaves it open.</summary>
    public Process Open(IpAddress to, ushort port)
    {
        var process = Start("-", Target(to, IpProtocol.Tcp, port) + Options);
        process.StandardInput.Write('x');
        process.StandardInput.Flush();
        Assert.Equal('x', process.StandardOutput.Read());
        return process;
    }

    /// <summary>
    /// Has perl, whose copy <see cref="Program"/> has to be, set its socket's mark and try to reach an echo service; what it says. Where it is to stay, it
    /// ends only with its connection.
    /// </summary>
    public async Task<string> MarkAsync(uint mark, IpAddress to, byte protocol, ushort port, bool stay = false)
    {
        const string script = """
            my ($to, $port, $type, $mark, $stay) = @ARGV;
            my $v6 = $to =~ /:/;
            socket(S, $v6 ? AF_INET6 : AF_INET, $type, 0) or die;
            print setsockopt(S, 1, 36, pack("L", $mark)) ? "set " : "refused ";
            printf "%x ", unpack("L", getsockopt(S, 1, 36)) & 0xffffff;
            connect(S, $v6 ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $to)) : pack_sockaddr_in($port, inet_aton($to)))
              and syswrite(S, "x") and sysread(S, my $got, 1) and print("reached") or print("blocked");
            $stay and !sysread(S, my $more, 1) and print(" ended");
            """;
        using var end = new CancellationTokenSource(Bench.Deadline);
        using var process = Start("-MSocket=:all", "-e", script, to.ToString(), $"{port}", protocol == IpProtocol.Tcp ? "1" : "2", $"{mark}", stay ? "1" : "");
        return await process.StandardOutput.ReadToEndAsync(end.Token);
    }

    private static string Target(IpAddress to, byte protocol, ushort port) => string.Create(
        CultureInfo.InvariantCulture, $"{(protocol == IpProtocol.Tcp ? "TCP" : "UDP")}{(to.IsV6 ? $"6:[{to}]" : $"4:{to}")}:{port}");

    private static async Task<bool> EchoesAsync(Process process, CancellationToken cancellationToken)
    {
        try
        {
            await process.StandardInput.BaseStream.WriteAsync("x"u8.ToArray(), cancellationToken);
            await process.StandardInput.BaseStream.FlushAsync(cancellationToken);
            return await process.StandardOutput.BaseStream.ReadAsync(new byte[1], cancellationToken) == 1;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return false;
        }
    }

    private Process Start(params string[] arguments)
    {
        const string script = """
            echo $$ > "$0/cgroup.procs" && login=$1 user=$2 && shift 2
            [ -z "$login" ] || echo "$login" > /proc/self/loginuid
            exec setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
            """;
        return Host.Inside(() => Process.Start(
        new ProcessStartInfo("/bin/sh", ["-c", script, Cgroup, $"{Login}", $"{User}", Program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!);
    }

    private bool Listens(byte protocol, ushort port) => Host.Inside(() =>
        File.ReadLines(protocol == IpProtocol.Tcp ? "/proc/thread-self/net/tcp6" : "/proc/thread-self/net/udp6").Any(line => line.Contains($":{port:X4} 0000", StringComparison.Ordinal)));
}
