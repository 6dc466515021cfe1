using System.ComponentModel;
using System.Diagnostics;
using Bulkhead.Enforcement.Documents;

namespace Bulkhead.Agent.Linux.Firewall;

/// <summary>Runs nft as a short-lived child: libnftables in our own process would keep its memory.</summary>
/// <param name="own">Is told each child's identifier before the child gets anything to do.</param>
internal sealed class NftProcess(OwnChanges own) : IDisposable
{
    private const int LongestError = 2000;
    private const int BufferSize = 64 << 10;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _listingPatience = TimeSpan.FromMilliseconds(300);
    private readonly NetworkNamespace _network = new();

    /// <summary>Runs a short script; see below.</summary>
    public Task<string?> RunAsync(string script) => RunAsync(output => output.Write(script));

    /// <summary>
    /// Runs a script, written by a delegate, as one transaction; returns null, or why nothing of it happened. The child starts in the
    /// network namespace of the thread that made this. Once it has the script it is not cancelled: it ends by itself, or after 30 s.
    /// </summary>
    /// <param name="script">What to do.</param>
    /// <param name="check">Only ask nft and the kernel whether they would take it.</param>
    public async Task<string?> RunAsync(Action<TextWriter> script, bool check = false)
    {
        using var process = new Process
        {
            StartInfo = new("nft", check ? ["-c", "-f", "-"] : ["-f", "-"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        try
        {
            _network.Run(process.Start);
        }
        catch (Win32Exception e)
        {
            return $"nft cannot be started ({e.Message}); install the package nftables";
        }

        own.Add((uint)process.Id);
        using var limit = new CancellationTokenSource(_patience);
        try
        {
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            // Of a large policy it is many times what a pipe holds, so that it waits for the child, and must not be waited for longer than the child.
            await Task.Run(() => Write(process.StandardInput.BaseStream, script), limit.Token).WaitAsync(limit.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            _ = await output.ConfigureAwait(false);
            var text = (await errors.ConfigureAwait(false)).Trim();
            return process.ExitCode == 0 ? null : $"nft: {text[..Math.Min(text.Length, LongestError)]} (exit code {process.ExitCode})";
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            return $"nft did not finish within {_patience.TotalSeconds} s";
        }
    }

    /// <summary>What our table's chain holds; nothing if nft does not tell within 300 ms, since a repair waits for it.</summary>
    public RuleListing List(string chain)
    {
        using var process = new Process
        {
            StartInfo = new("nft", ["-a", "-s", "-t", "list", "chain", "inet", FirewallDocument.Table, chain]) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        try
        {
            _network.Run(process.Start);
            var output = process.StandardOutput.ReadToEndAsync();
            if (output.Wait(_listingPatience))
            {
                return RuleListing.Parse(output.Result);
            }

            process.Kill();
        }
        catch (Exception e) when (e is Win32Exception or IOException or AggregateException)
        {
            // What the rules were is told all the same.
        }

        return RuleListing.Empty;
    }

    /// <inheritdoc/>
    public void Dispose() => _network.Dispose();

    private static void Write(Stream input, Action<TextWriter> script)
    {
        try
        {
            // Not the process' own writer, which hands each word of a script to the pipe by itself.
            using var writer = new StreamWriter(input, bufferSize: BufferSize);
            script(writer);
        }
        catch (IOException)
        {
            // The child ended before it had read everything; its exit code and errors say why.
        }
    }
}
