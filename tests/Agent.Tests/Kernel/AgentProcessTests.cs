using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Bulkhead.Agent.Tests.Channel;
using Bulkhead.Agent.Tests.Policies;
using Bulkhead.Contracts.Agent;

namespace Bulkhead.Agent.Tests.Kernel;

/// <summary>The program itself, as a process of its own in a namespace, with a controller at the other end of the cable; needs root.</summary>
public abstract class AgentProcessTests : IAsyncLifetime
{
    private static readonly string s_built =
        typeof(AgentProcessTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "AgentProgram").Value!;

    private readonly List<Process> _started = [];
    private DirectoryInfo? _copy;

    /// <summary>The agent, as built.</summary>
    private protected string Program { get; private set; } = s_built;

    /// <summary>The agents that were started.</summary>
    private protected IReadOnlyList<Process> Started => _started;

    private protected TwoHosts Hosts { get; } = new();

    private protected TemporaryFolder Folder { get; } = new();

    private protected TestController Controller { get; private set; } = null!;

    /// <summary>A listener on the agent's host.</summary>
    private protected Socket Web { get; private set; } = null!;

    /// <summary>What the programs wrote to standard error.</summary>
    private protected ConcurrentQueue<string> Log { get; } = new();

    /// <summary>A folder in which the programs look for tools first, if any.</summary>
    private protected string? ToolFolder { get; set; }

    /// <summary>A command that runs the programs, if they are not run as they are.</summary>
    private protected string[] Prefix { get; set; } = [];

    private protected string State => Folder["state"];

    public virtual async Task InitializeAsync()
    {
        Controller = await TestController.StartAsync(Hosts.Listen(Hosts.Peer, TwoHosts.PeerAddress(false), 8444));
        Web = Hosts.Listen(Hosts.Host, TwoHosts.HostAddress(false), 80);
        await File.WriteAllTextAsync(Folder["key"], TestController.Key);
        Assert.Equal(0, await RunAsync("pair", "--controller", Controller.Address.ToString(), "--ca-sha256", Controller.Digest, "--key-file", Folder["key"], "--state", State, "--name", "web-1"));
    }

    public virtual async Task DisposeAsync()
    {
        foreach (var agent in _started)
        {
            agent.Kill();
            await agent.WaitForExitAsync();
            agent.Dispose();
        }

        await Controller.DisposeAsync();
        Hosts.Dispose();
        Folder.Dispose();
        _copy?.Delete(recursive: true);
    }

    /// <summary>Runs a copy from now on that nobody but root may write to, wherever this repository lies.</summary>
    private protected void RunOwnCopy()
    {
        _copy = Directory.CreateDirectory($"/run/bulkhead-agent-test-{Guid.NewGuid():N}", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var file in new DirectoryInfo(Path.GetDirectoryName(s_built)!).EnumerateFiles())
        {
            file.CopyTo(Path.Combine(_copy.FullName, file.Name));
            File.SetUnixFileMode(Path.Combine(_copy.FullName, file.Name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        Program = Path.Combine(_copy.FullName, Path.GetFileName(s_built));
    }

    private protected static HostPolicy Closed(ulong number) => WirePolicies.Policy(number, inbound: Mode.Full);

    private protected Task AppliedAsync(ulong number) =>
        Eventually.Holds(() => Controller.States.Any(report => report.Applied?.Number == number), $"policy {number} is applied");

    /// <summary>Whether the peer gets through to a listener of the host, its web port by default; a dropped try is given up after a second.</summary>
    private protected Task<bool> ReachableAsync(Socket? listener = null) => ReachableAsync(((IPEndPoint)(listener ?? Web).LocalEndPoint!).Port);

    /// <inheritdoc cref="ReachableAsync(Socket?)"/>
    private protected async Task<bool> ReachableAsync(int port)
    {
        using var socket = Hosts.Peer.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        try
        {
            await socket.ConnectAsync(new IPEndPoint(TwoHosts.HostAddress(false), port), patience.Token);
            return true;
        }
        catch (Exception refused) when (refused is OperationCanceledException or SocketException { SocketErrorCode: SocketError.ConnectionRefused })
        {
            return false;
        }
    }

    private protected string Table()
    {
        var tables = Hosts.Host.Run("nft", "list", "tables");
        return tables.Contains("inet bulkhead", StringComparison.Ordinal) ? Hosts.Host.Run("nft", "list", "table", "inet", "bulkhead") : "";
    }

    private protected Process Start(params string[] more)
    {
        var agent = Launch(["run", "--state", State, .. more]);
        _started.Add(agent);
        return agent;
    }

    private protected async Task<int> RunAsync(params string[] arguments)
    {
        using var process = Launch(arguments);
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    private protected (int ExitCode, string Output) Status() => Ask("status", "--state", State, "--output", "json");

    /// <summary>Runs a command to its end; its exit code and what it wrote to standard output.</summary>
    private protected (int ExitCode, string Output) Ask(params string[] arguments)
    {
        using var process = Launch(arguments);
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    private protected async Task LoggedAsync(string text) =>
        await Eventually.Holds(() => Log.Any(line => line.Contains(text, StringComparison.Ordinal)), $"the log says '{text}'");

    private protected Process Launch(params string[] arguments) => Hosts.Host.Inside(() =>
    {
        string[] command = [.. Prefix, Program, .. arguments];
        var process = new Process
        {
            StartInfo = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        if (ToolFolder is not null)
        {
            process.StartInfo.Environment["PATH"] = $"{ToolFolder}:{Environment.GetEnvironmentVariable("PATH")}";
        }

        process.ErrorDataReceived += (_, line) => Log.Enqueue(line.Data ?? "");
        process.Start();
        process.BeginErrorReadLine();
        return process;
    });

    /// <summary>From here on the programs that are started find a script in place of nft; in it, <c>"$@"</c> are nft's arguments and <c>$script</c> the file with its input.</summary>
    private protected async Task ReplaceNftAsync(string body)
    {
        ToolFolder = Directory.CreateDirectory(Folder["tools"]).FullName;
        var nft = Path.Combine(ToolFolder, "nft");
        File.Delete(nft);
        await File.WriteAllTextAsync(nft, $"#!/bin/sh\nscript={Folder["script"]}\ncat > $script\n{body}\nexec /usr/sbin/nft \"$@\" < $script\n");
        File.SetUnixFileMode(nft, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>From here on nft refuses scripts that contain a word.</summary>
    private protected Task RefuseAsync(string word) => ReplaceNftAsync($"if grep -q {word} $script; then echo refused >&2; exit 1; fi");
}
