using System.Buffers.Binary;
using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Bulkhead.Agent.Live;
using Bulkhead.Agent.Policies;
using Bulkhead.Agent.State;
using Bulkhead.Contracts.Agent;
using Bulkhead.Policy.Addresses;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent flows</c>: this host's connections as they happen, with process, user, verdict and rule.</summary>
internal static class FlowsCommand
{
    private const int LargestBatch = 64 << 20;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var state = CommandOptions.State();
        var follow = new Option<bool>("--follow", "-f") { Description = "Go on until Ctrl-C; without it, one window is shown." };
        var output = CommandOptions.Output();
        var command = new Command("flows", "Show this host's connections, a second at a time: process, user, verdict and rule. For root, while the agent runs.") { state, follow, output };
        command.SetAction((parsed, cancel) => ShowAsync(StateDirectory.At(parsed.GetRequiredValue(state)), parsed.GetValue(follow), parsed.GetValue(output) == "json", Console.Out, cancel));
        return command;
    }

    /// <summary>Prints windows as the agent closes them.</summary>
    internal static async Task<int> ShowAsync(StateDirectory state, bool follow, bool json, TextWriter output, CancellationToken cancel)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(state.Flows), cancel);
        }
        catch (SocketException refused)
        {
            throw new AgentException("not-followable", $"The agent with the folder {state.Root} cannot be followed: {refused.Message}", "Run this as root while the agent runs, and name its folder with --state.");
        }

        await using var stream = new NetworkStream(socket);
        var policy = new PolicyInForce(state);
        try
        {
            while (await ReadAsync(stream, cancel) is { } batch)
            {
                await output.WriteAsync(json ? Json(batch, policy.Current()) : Text(batch, policy.Current()));
                await output.FlushAsync(cancel);
                await TellShownAsync(stream, batch, cancel);
                if (!follow && batch.WindowMs > 0)
                {
                    return ExitCodes.Good;
                }
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return ExitCodes.Good;
        }

        throw new AgentException("agent-stopped", "The agent stopped, or has too many followers.", "Run this again once it runs ('bulkhead-agent status').");
    }

    private static async Task<FlowBatch?> ReadAsync(NetworkStream stream, CancellationToken cancel)
    {
        try
        {
            var length = new byte[sizeof(int)];
            await stream.ReadExactlyAsync(length, cancel);
            var content = new byte[Math.Clamp(BinaryPrimitives.ReadInt32LittleEndian(length), 0, LargestBatch)];
            await stream.ReadExactlyAsync(content, cancel);
            return FlowBatch.Parser.ParseFrom(content);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Whoever does not say so, because it was stopped or its terminal is, is not taken to be watching for long.</summary>
    private static async Task TellShownAsync(NetworkStream stream, FlowBatch batch, CancellationToken cancel)
    {
        try
        {
            await stream.WriteAsync(new byte[batch.WindowMs > 0 ? 1 : 0], cancel);
        }
        catch (IOException)
        {
            // The agent is gone, which the next reading shows.
        }
    }

    private static string Json(FlowBatch batch, LocalPolicy? policy) =>
        string.Concat(FlowLine.Of(batch, policy).Select(line => JsonSerializer.Serialize(line, FlowJson.Default.FlowLine) + "\n"));

    private static string Text(FlowBatch batch, LocalPolicy? policy)
    {
        var text = new StringBuilder();
        foreach (var line in FlowLine.Of(batch, policy))
        {
            text.Append(line).Append('\n');
        }

        foreach (var scan in batch.Scans)
        {
            _ = IpAddress.TryRead(scan.Source.Span, out var source);
            text.Append(CultureInfo.InvariantCulture, $"! scan {(scan.Direction == Direction.Inbound ? "by" : "from here,")} {source}: {scan.Targets} targets at {scan.Addresses} addresses, ports {scan.FirstPort} to {scan.LastPort}, {scan.Connections} attempts, {scan.Blocked} blocked; {scan.Samples.Count} of them are shown above\n");
        }

        if (batch.LostEvents > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"! {batch.LostEvents} kernel events were lost, at least\n");
        }

        if (batch.WindowMs == 0 && batch.DroppedBatches > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"! {batch.DroppedBatches} windows are missing here: they came faster than they were read\n");
        }

        return text.ToString();
    }

    /// <summary>What the host enforces, read again when its files change.</summary>
    private sealed class PolicyInForce(StateDirectory state)
    {
        private LocalPolicy? _policy;
        private DateTime _changed;

        public LocalPolicy? Current()
        {
            var changed = Directory.EnumerateFiles(state.Root, "policy*").Select(File.GetLastWriteTimeUtc).DefaultIfEmpty().Max();
            if (changed == _changed)
            {
                return _policy;
            }

            _changed = changed;
            try
            {
                _policy = LocalPolicy.Load(state);
            }
            catch (AgentException)
            {
                _policy = null;
            }

            return _policy;
        }
    }
}
