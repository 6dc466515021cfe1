using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Bulkhead.Lab;

/// <summary>
/// A process on a host that connects and serves when it is told to, as whom and from wherever one likes. Its sockets are its own, or those of workers
/// that it forks, so that rules for processes and users can be tried with them.
/// </summary>
public sealed class Puppet : IAsyncDisposable
{
    /// <summary>The interpreter, which every Debian and Ubuntu has.</summary>
    public const string Perl = "/usr/bin/perl";

    private const string Script = "/run/lab/puppet.pl";

    private readonly Process _process;
    private readonly Cgroup _cgroup;
    private readonly ConcurrentDictionary<int, TaskCompletionSource<string>> _orders = [];
    private readonly Lock _writing = new();
    private int _number;

    private Puppet(Process process, Cgroup cgroup)
    {
        (_process, _cgroup) = (process, cgroup);
        _ = ReadAsync();
    }

    /// <summary>Starts one.</summary>
    /// <exception cref="LabException">It does not start.</exception>
    public static async Task<Puppet> StartAsync(LabHost host, PuppetRole role, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(host);
        ArgumentNullException.ThrowIfNull(role);
        var cgroup = host.Cgroup.Child(role.Place);
        cgroup.Create();
        var puppet = new Puppet(new Invocation(role.Program, Script) { Cgroup = cgroup, NamespacesOf = host.InitProcess, Login = role.Login, UserId = role.User }.StartConnected(), cgroup);
        await puppet.ForgetAsync(cancellationToken);
        return puppet;
    }

    /// <summary>Tries to connect; over UDP, to be answered.</summary>
    /// <param name="transport"><c>tcp</c> or <c>udp</c>.</param>
    /// <param name="to">Where to.</param>
    /// <param name="byWorker">Whether a worker forked for it makes the socket.</param>
    /// <param name="timeout">After which it is given up.</param>
    /// <param name="cancellationToken">Ends the wait, not the attempt.</param>
    /// <exception cref="LabException">The puppet ended.</exception>
    public async Task<ProbeOutcome> ConnectAsync(string transport, IPEndPoint to, bool byWorker, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(to);
        return await OrderAsync(
            string.Create(CultureInfo.InvariantCulture, $"connect {transport} {to.Address} {to.Port} {(byWorker ? "worker" : "own")} {timeout.TotalMilliseconds:0}"), cancellationToken) switch
        {
            "passed" => ProbeOutcome.Connected,
            "refused" => ProbeOutcome.Refused,
            _ => ProbeOutcome.Timeout,
        };
    }

    /// <summary>Serves a port in both families by forked workers, until it ends.</summary>
    /// <exception cref="LabException">It cannot.</exception>
    public Task ServeAsync(string transport, int port, CancellationToken cancellationToken) => OrderAsync(string.Create(CultureInfo.InvariantCulture, $"serve {transport} {port}"), cancellationToken);

    /// <summary>Gives up the connections that are still being tried.</summary>
    public Task ForgetAsync(CancellationToken cancellationToken) => OrderAsync("forget", cancellationToken);

    /// <summary>Kills it and its workers. Its cgroup stays.</summary>
    public async ValueTask DisposeAsync()
    {
        await _cgroup.KillAsync(CancellationToken.None);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    /// <summary>Ends it, and the unit that it was in: what is started there next is in a new cgroup, as systemd's units are.</summary>
    public async Task EndUnitAsync()
    {
        await DisposeAsync();
        await _cgroup.RemoveAsync(CancellationToken.None);
    }

    private async Task<string> OrderAsync(string order, CancellationToken cancellationToken)
    {
        var number = Interlocked.Increment(ref _number);
        var answer = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        _orders[number] = answer;
        try
        {
            lock (_writing)
            {
                _process.StandardInput.Write(string.Create(CultureInfo.InvariantCulture, $"{number} {order}\n"));
                _process.StandardInput.Flush();
            }
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            throw new LabException("the puppet has ended", e);
        }

        if (_process.HasExited)
        {
            End();
        }

        try
        {
            return await answer.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            _orders.TryRemove(number, out _);
        }
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Split(' ') is [var number, var answer] && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var order) && _orders.TryGetValue(order, out var waiting))
            {
                waiting.TrySetResult(answer);
            }
        }

        End();
    }

    private void End()
    {
        foreach (var waiting in _orders.Values)
        {
            waiting.TrySetException(new LabException("the puppet has ended"));
        }
    }
}
