namespace Bulkhead.Agent.Install;

/// <summary>
/// The agent's systemd units. The sandbox is made of capabilities, system calls and address families only: whatever gives a unit a mount namespace of
/// its own (ProtectSystem and the like) would hide other processes' executables from the agent, and /proc/sys/net from its settings.
/// </summary>
/// <param name="Program">Absolute path of the agent.</param>
/// <param name="State">Absolute path of its folder.</param>
internal sealed record Units(string Program, string State)
{
    /// <summary>The first line of each: who finds it may take the file for ours.</summary>
    public const string Mark = "# Written by 'bulkhead-agent install'; 'bulkhead-agent uninstall' removes it.";

    /// <summary>Puts the last policy into the kernel before the network is up.</summary>
    public const string EarlyName = "bulkhead-agent-early.service";

    /// <summary>The agent.</summary>
    public const string Name = "bulkhead-agent.service";

    // CAP_SYS_ADMIN: the kernel hands out programs and maps by their ids for nothing less, and the next agent takes over those of the one before.
    private const string Sandbox = """
        NoNewPrivileges=yes
        SystemCallArchitectures=native
        SystemCallFilter=~@clock @cpu-emulation @module @mount @obsolete @raw-io @reboot @swap ptrace
        SystemCallErrorNumber=EPERM
        RestrictNamespaces=yes
        RestrictRealtime=yes
        RestrictSUIDSGID=yes
        LockPersonality=yes
        UMask=0077
        """;

    /// <summary>Both, by name.</summary>
    public IReadOnlyList<(string Name, string Text)> All => [(EarlyName, Early), (Name, Daemon)];

    // After nftables.service, whose usual configuration begins with "flush ruleset".
    private string Early => $"""
        {Mark}
        [Unit]
        Description=Bulkhead: the last policy, before the network is up
        DefaultDependencies=no
        Wants=network-pre.target
        Before=network-pre.target shutdown.target
        Conflicts=shutdown.target
        After=local-fs.target systemd-sysctl.service nftables.service
        RequiresMountsFor={Escape(State)}
        ConditionPathExists=|{Escape(State)}/identity.json
        ConditionPathExists=|{Escape(State)}/enforced

        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart={Quote(Program)} apply --state {Quote(State)}
        TimeoutStartSec=60
        CapabilityBoundingSet=CAP_NET_ADMIN CAP_SYS_PTRACE CAP_DAC_READ_SEARCH CAP_BPF CAP_PERFMON CAP_SYS_ADMIN
        RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
        {Sandbox}

        [Install]
        WantedBy=sysinit.target

        """;

    private string Daemon => $"""
        {Mark}
        [Unit]
        Description=Bulkhead agent
        After=network.target {EarlyName}
        Wants={EarlyName}
        ConditionPathExists=|{Escape(State)}/identity.json
        ConditionPathExists=|{Escape(State)}/enforced
        StartLimitIntervalSec=0

        [Service]
        Type=exec
        ExecStart={Quote(Program)} run --state {Quote(State)}
        Restart=always
        RestartSec=1
        TimeoutStopSec=15
        OOMScoreAdjust=-900
        CapabilityBoundingSet=CAP_NET_ADMIN CAP_SYS_PTRACE CAP_DAC_READ_SEARCH CAP_BPF CAP_PERFMON CAP_SYS_ADMIN CAP_CHOWN
        RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
        {Sandbox}

        [Install]
        WantedBy=multi-user.target

        """;

    private static string Quote(string path) => $"\"{Escape(path).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private static string Escape(string path) => path.Replace("%", "%%", StringComparison.Ordinal);
}
