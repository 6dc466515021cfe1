using System.CommandLine;
using Bulkhead.Agent.Channel;
using Bulkhead.Agent.State;

namespace Bulkhead.Agent.Commands;

/// <summary><c>bulkhead-agent pair</c>: makes the host known to a controller.</summary>
internal static class PairCommand
{
    private const int LongestKey = 4096;

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var controller = new Option<string>("--controller") { Required = true, Description = "The controller's agent port, such as https://10.0.0.1:8444." };
        var digest = new Option<string>("--ca-sha256") { Required = true, Description = "SHA-256 of the controller's CA certificate, 64 hex digits (ca.sha256 in its data folder)." };
        var keyFile = new Option<string>("--key-file") { Required = true, Description = "The file that holds the pairing key." };
        var state = CommandOptions.State();
        var uuid = new Option<string?>("--hardware-uuid") { Description = "In place of the firmware's UUID." };
        var name = new Option<string?>("--name") { Description = "The workload's name, in place of the host's." };
        var replace = new Option<bool>("--replace") { Description = "Pair a host anew that is paired already, such as one whose certificate is void; what it enforces stays in force." };
        var command = new Command("pair", "Make this host known to a controller.") { controller, digest, keyFile, state, uuid, name, replace };
        command.SetAction(async (parsed, cancel) =>
        {
            // Everything is checked before the folder is made.
            await PairAsync(
                CheckController(parsed.GetRequiredValue(controller)),
                CheckDigest(parsed.GetRequiredValue(digest)),
                ReadKey(parsed.GetRequiredValue(keyFile)),
                StateDirectory.Create(parsed.GetRequiredValue(state)),
                parsed.GetValue(uuid),
                parsed.GetValue(name),
                parsed.GetValue(replace),
                cancel);
            return ExitCodes.Good;
        });
        return command;
    }

    private static async Task PairAsync(Uri controller, string digest, string key, StateDirectory state, string? uuid, string? name, bool replace, CancellationToken cancel)
    {
        using var only = state.Lock();
        if (!replace && File.Exists(state.Identity) && IsUsable(state))
        {
            throw new AgentException("already-paired", $"This host is paired already; its identity is {state.Identity}.", "Give --replace to pair it anew and keep what it enforces, run 'bulkhead-agent unpair' to open it first, or name another folder with --state.");
        }

        var identity = await Pairing.PairAsync(controller, digest, key, name, uuid, cancel);
        identity.Save(state);
        Console.WriteLine($"Paired with {controller.Authority} as workload {identity.WorkloadId}.");
    }

    private static bool IsUsable(StateDirectory state)
    {
        try
        {
            _ = Identity.Load(state);
            return true;
        }
        catch (AgentException damage) when (damage.Code == Identity.Damaged)
        {
            return false;
        }
    }

    private static Uri CheckController(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var controller) && controller is { Scheme: "https", PathAndQuery: "/", UserInfo: "" }
            ? controller
            : throw new AgentException("bad-controller", $"'{text}' is not the address of an agent port.", "Write it as https://ADDRESS:8444.");

    private static string CheckDigest(string digest) =>
        digest.Trim() is { Length: 64 } hex && hex.All(char.IsAsciiHexDigit)
            ? hex
            : throw new AgentException("bad-digest", "--ca-sha256 is not a SHA-256 in hex.", "Copy the 64 digits of ca.sha256 from the controller's data folder.");

    private static string ReadKey(string path)
    {
        try
        {
            if (new FileInfo(path).Length <= LongestKey && File.ReadAllText(path).Trim() is { Length: > 0 } key)
            {
                return key;
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new AgentException("key-unreadable", $"The pairing key cannot be read: {unreadable.Message}", "Name the file that holds it with --key-file.");
        }

        throw new AgentException("key-malformed", $"{path} does not hold a pairing key.", "Put the key's secret, and nothing else, into the file.");
    }
}
