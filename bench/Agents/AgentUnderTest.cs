using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Bulkhead.Bench.Dataplane;
using Bulkhead.Bench.Harness;
using Bulkhead.Lab;

namespace Bulkhead.Bench.Agents;

/// <summary>One agent, as it is shipped, in a network namespace of its own with a <see cref="ScriptedController"/> on its loopback interface.</summary>
internal sealed class AgentUnderTest : IAsyncDisposable
{
    private const int Port = 8444;

    /// <summary>What <c>scripts/build.sh agent</c> builds.</summary>
    private static readonly string Program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../agent/bulkhead-agent"));

    private readonly List<string> _command;
    private Process _process;
    private readonly DirectoryInfo _state;
    private readonly Socket _listener;

    private AgentUnderTest(NetworkNamespace network, ScriptedController controller, Socket listener, DirectoryInfo state, List<string> command) =>
        (Network, Controller, _listener, _state, _command, _process) = (network, controller, listener, state, command, Run(network, command));

    /// <summary>Where it runs.</summary>
    public NetworkNamespace Network { get; }

    /// <summary>Its controller.</summary>
    public ScriptedController Controller { get; }

    /// <summary>Its process.</summary>
    public int Pid => _process.Id;

    /// <summary>Pairs and starts it; it has no policy yet.</summary>
    /// <param name="namespaces">Where its network namespace is made.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancel">Ends waiting.</param>
    /// <param name="cgroup">The cgroup whose processes it takes for the host's; null for all.</param>
    /// <exception cref="BenchException">It does not start.</exception>
    public static async Task<AgentUnderTest> StartAsync(NamedNamespaces namespaces, string name, CancellationToken cancel, string? cgroup = null)
    {
        var network = await namespaces.AddAsync(name, cancel);
        await VethPair.RunInAsync(network, ["ip", "link", "set", "lo", "up"], "", cancel);
        var listener = network.CreateTcpSocket(AddressFamily.InterNetwork);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, Port));
        listener.Listen();
        var controller = await ScriptedController.StartAsync(listener);
        var state = Directory.CreateTempSubdirectory("bulkhead-bench-");
        var key = Path.Combine(state.FullName, "key");
        await File.WriteAllTextAsync(key, ScriptedController.Key, cancel);
        var folder = Path.Combine(state.FullName, "state");
        await VethPair.RunInAsync(
            network,
            [Program, "pair", "--controller", $"https://127.0.0.1:{Port}", "--ca-sha256", controller.Digest, "--key-file", key, "--state", folder, "--name", name],
            "",
            cancel);
        var log = Path.Combine(state.FullName, "log");
        return new(network, controller, listener, state, ["-c", "log=$1; shift; exec \"$0\" run \"$@\" >>\"$log\" 2>&1", Program, log, "--state", folder, .. cgroup is null ? Array.Empty<string>() : ["--cgroup", cgroup]]);
    }

    /// <summary>Ends the agent as its supervisor would; its rules stay.</summary>
    public async Task StopAsync(CancellationToken cancel)
    {
        await VethPair.RunInAsync(Network, ["kill", "-TERM", Pid.ToString(CultureInfo.InvariantCulture)], "", cancel);
        await _process.WaitForExitAsync(cancel);
    }

    /// <summary>Starts it again, and waits until it has reported.</summary>
    public async Task StartAgainAsync(CancellationToken cancel)
    {
        _process.Dispose();
        Controller.States.Clear();
        _process = Run(Network, _command);
        await ReportsAsync(state => state.Applied is not null, "it enforces what it did", cancel);
    }

    /// <summary>Waits until it reports something.</summary>
    /// <exception cref="BenchException">It does not, within a minute.</exception>
    public async Task ReportsAsync(Func<Contracts.Agent.StateReport, bool> expected, string what, CancellationToken cancel)
    {
        var start = Stopwatch.GetTimestamp();
        while (!Controller.States.Any(expected))
        {
            if (_process.HasExited || Stopwatch.GetElapsedTime(start) > TimeSpan.FromMinutes(1))
            {
                throw new BenchException($"the agent does not report that {what}; its log ends with: {Log()}");
            }

            await Task.Delay(20, cancel);
        }
    }

    /// <summary>The end of its log.</summary>
    public string Log() => string.Join('\n', File.ReadLines(Path.Combine(_state.FullName, "log")).TakeLast(10));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        await Controller.DisposeAsync();
        _listener.Dispose();
        _state.Delete(recursive: true);
    }

    private static Process Run(NetworkNamespace network, List<string> command) => network.Run(() => Process.Start(new ProcessStartInfo("sh", command))!);
}
