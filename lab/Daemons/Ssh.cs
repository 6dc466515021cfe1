namespace Bulkhead.Lab;

/// <summary>An OpenSSH server that lets the lab's operator in by key.</summary>
internal sealed class Sshd : DaemonKind
{
    /// <summary>
    /// The account that the operator logs in to: the server's own, since it runs without privileges. It cannot be nobody,
    /// whom nss-systemd shows as locked to those who cannot read <c>/etc/shadow</c>.
    /// </summary>
    public const string Account = "sshd";

    public override string Name => "sshd";

    public override string Program => "sshd";

    public override string User => Account;

    public override Service Service => new("tcp", 22, WireProtocol.Ssh);

    public override IReadOnlyList<string> Consumes => ["dnsmasq"];

    public override async Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken)
    {
        var keys = await KeysAsync(setup, cancellationToken);
        await setup.RunAsync([Tool.Require("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", $"{setup.Folder}/host_key"], cancellationToken);
        setup.Write("authorized_keys", await File.ReadAllTextAsync($"{keys}/operator.pub", cancellationToken));
        var configuration = setup.Write("sshd_config", $"""
            Port 22
            HostKey {setup.Folder}/host_key
            AuthorizedKeysFile {setup.Folder}/authorized_keys
            StrictModes no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            UsePAM no
            UseDNS {(setup.ResolvesNames ? "yes" : "no")}
            PidFile none

            """);
        return new(Tool.Require("sshd"), "-D", "-e", "-f", configuration);
    }

    /// <summary>The folder with the operator's key pair, made by whichever end is set up first.</summary>
    public static Task<string> KeysAsync(DaemonSetup setup, CancellationToken cancellationToken) =>
        setup.Build.OnceAsync("ssh", setup.User, folder => setup.RunAsync(
            [Tool.Require("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", "operator", "-f", $"{folder}/operator"], cancellationToken));
}

/// <summary>An operator at work: a short SSH session to each linked server, again and again.</summary>
internal sealed class SshClient : DaemonKind
{
    public override string Name => "ssh-client";

    public override string Program => "ssh";

    public override string User => "nobody";

    public override IReadOnlyList<string> Consumes => ["sshd", "dnsmasq"];

    public override async Task<Launch> PrepareAsync(DaemonSetup setup, CancellationToken cancellationToken)
    {
        var keys = await Sshd.KeysAsync(setup, cancellationToken);
        var key = setup.Write("operator", await File.ReadAllTextAsync($"{keys}/operator", cancellationToken));
        var sessions = setup.LinksTo("sshd").Select(link =>
            $"while :; do timeout 1.6 ssh -N -F none -i {key} -o BatchMode=yes -o ConnectTimeout=2 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o KexAlgorithms=curve25519-sha256 {Sshd.Account}@{DaemonSetup.NameOf(link)}; sleep 0.2; done &\n");
        return new("/bin/sh", setup.Write("sessions.sh", string.Concat(sessions) + "sleep infinity\n"));
    }
}
